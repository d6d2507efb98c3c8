/** The log of long-running commands, by pino: JSON lines in a file or on stderr, readable lines on a terminal. */
import type { Logger } from '@walvault/wal';
import { destination, type DestinationStream, pino } from 'pino';
import pretty from 'pino-pretty';

/** Where to log, and from which level. */
export interface LogOptions {
  /** A file to append to; stderr unless given. */
  readonly file?: string | undefined;
  readonly level: 'debug' | 'info';
}

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
  if (file === undefined)
    return process.stderr.isTTY
      ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname' })
      : destination({ dest: 2, sync: true });
  const stream = destination({ dest: file, append: true, mkdir: true, sync: true });
  process.on('SIGHUP', () => stream.reopen());
  return stream;
}
