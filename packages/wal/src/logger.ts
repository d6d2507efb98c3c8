/**
 * The shape of a logger that the packages take in their options. pino fits it as it is, and so does `console`
 * behind four lines. Packages never log on their own: without a logger they are silent, and what goes wrong
 * is thrown.
 */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** Values that go with a log line. LSNs are given as text (`formatLsn`), never as bigint, so that they become JSON. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined | null>>;

/** A logger that drops everything. */
export const silentLogger: Logger = { debug: drop, info: drop, warn: drop, error: drop };

function drop(): void {}
