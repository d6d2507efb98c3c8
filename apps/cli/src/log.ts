/** The log of long-running commands, by pino: JSON lines in a file or on stderr, readable lines on a terminal. */
import type { Logger } from '@walvault/wal';
import { destination, type Logger as PinoLogger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { PinoLevel } from './log-level.ts';

/** Where to log, and from which level. */
export interface LogOptions {
  /** A file to append to; stderr unless given. */
  readonly file?: string | undefined;
  readonly level: PinoLevel;
}

/** A log that is open. */
export interface OpenLog extends Logger {
  /** From now on only what is at least as severe is logged. */
  setLevel(level: PinoLevel): void;
  /** Opens the file anew by its name, for the sake of log rotation. */
  reopen(): void;
}

/** Opens a log. Lines are written at once, so that the last one before a crash is there. */
export function openLog({ file, level }: LogOptions): OpenLog {
  const options = { level, base: { pid: process.pid }, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  if (file === undefined && process.stderr.isTTY) {
    return withControls(pino(options, pretty({ destination: 2, sync: true, ignore: 'pid,hostname' })), () => {});
  }
  const stream = destination({ dest: file ?? 2, append: true, mkdir: true, sync: true, mode: 0o640 });
  // A full disk under the log must not end the receiving of WAL.
  stream.on('error', () => {});
  return withControls(pino(options, stream), file === undefined ? () => {} : () => stream.reopen());
}

/** The methods of pino are replaced when its level changes, so they are looked up at each call. */
function withControls(log: PinoLogger, reopen: () => void): OpenLog {
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    setLevel: (level) => {
      log.level = level;
    },
    reopen,
  };
}
