/** The log of long-running commands, by pino: JSON lines in a file or on stderr, readable lines on a terminal. */
import type { ServerConfig } from '@walvault/core';
import type { Logger } from '@walvault/wal';
import { destination, type DestinationStream, pino } from 'pino';
import pretty from 'pino-pretty';

/** Where to log, and from which level. */
export interface LogOptions {
  /** A file to append to; stderr unless given. */
  readonly file?: string | undefined;
  readonly level: PinoLevel;
}

/** pino's names of the levels. */
export type PinoLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** pino's word for a level as Barman's configuration has it. */
export const pinoLevels: Readonly<Record<ServerConfig['logLevel'], PinoLevel>> = {
  NOTSET: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  ERROR: 'error',
  CRITICAL: 'fatal',
};

/**
 * Opens a log. Lines are written at once, so that the last one before a crash is there. A file is opened anew on SIGHUP, for
 * the sake of log rotation.
 */
export function openLog(options: LogOptions): Logger {
  return pino(
    { level: options.level, base: { pid: process.pid }, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    openDestination(options),
  );
}

function openDestination({ file }: LogOptions): DestinationStream {
  if (file === undefined && process.stderr.isTTY) return pretty({ destination: 2, sync: true, ignore: 'pid,hostname' });
  const stream = destination({ dest: file ?? 2, append: true, mkdir: true, sync: true });
  // A full disk under the log must not end the receiving of WAL.
  stream.on('error', () => {});
  if (file !== undefined) process.on('SIGHUP', () => stream.reopen());
  return stream;
}
