/** The log of long-running commands, by pino: JSON lines in a file or on stderr, readable lines on a terminal. */
import type { Logger } from '@walvault/wal';
import { destination, type Logger as PinoLogger, pino } from 'pino';
import { LogFile } from './log-file.ts';
import type { PinoLevel } from './log-level.ts';

/** Where to log, and from which level. */
export interface LogOptions {
  /** A file to append to; stderr unless given. */
  readonly file?: string | undefined;
  readonly level: PinoLevel;
  /** Whether a terminal gets colours. */
  readonly isColoured: boolean;
  /** Called before a line is written to a terminal. */
  readonly beforeLine: () => void;
}

/** A log that is open. */
export interface OpenLog extends Logger {
  /** From now on only what is at least as severe is logged. */
  setLevel(level: PinoLevel): void;
  /** Opens the file anew by its name, for the sake of log rotation. */
  reopen(): void;
}

/** Opens a log. Lines are written at once, so that the last one before a crash is there. */
export async function openLog(options: LogOptions): Promise<OpenLog> {
  const { file, level } = options;
  const settings = { level, base: { pid: process.pid }, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  if (file !== undefined) {
    const stream = new LogFile(file);
    return withControls(pino(settings, stream), () => stream.reopen());
  }
  if (process.stderr.isTTY) return withControls(pino(settings, await terminalStream(options)), () => {});
  const stream = destination({ dest: 2, sync: true });
  stream.on('error', () => {}); // whoever reads it may be gone
  return withControls(pino(settings, stream), () => {});
}

async function terminalStream({ isColoured, beforeLine }: LogOptions): Promise<{ write(line: string): void }> {
  const { prettyFactory } = await import('pino-pretty');
  const format = prettyFactory({ colorize: isColoured, ignore: 'pid,hostname' });
  return {
    write: (line) => {
      beforeLine();
      process.stderr.write(format(line));
    },
  };
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
