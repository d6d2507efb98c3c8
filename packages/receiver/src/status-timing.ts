/**
 * When to tell the server how far we are, and when to believe that it is gone. Pure functions; the walsender kills a
 * receiver that is silent for wal_sender_timeout, and we give up a server that is silent for as long.
 */

/** The times of one stream, in milliseconds. */
export interface StatusTiming {
  /** At least this often the server is told the positions. */
  readonly statusIntervalMs: number;
  /** After this long without a message the server is asked to answer. */
  readonly askAfterMs: number;
  /** After this long without a message the connection is given up. */
  readonly giveUpAfterMs: number;
}

const defaultServerTimeoutMs = 60_000;
const unitsMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a time setting as SHOW prints it (`1min`, `500ms`, `0`), in milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+)\s*(us|ms|s|min|h|d)?$/.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * (unitsMs[match[2] ?? 'ms'] ?? 1);
}

/**
 * The times that fit a server.
 * @param configuredMs the interval that the operator asked for
 * @param walSenderTimeout `wal_sender_timeout` as the server shows it; 0 means that it waits for ever
 */
export function statusTiming(configuredMs: number, walSenderTimeout: string): StatusTiming {
  const serverMs = parseDuration(walSenderTimeout) ?? defaultServerTimeoutMs;
  const limitMs = serverMs === 0 ? defaultServerTimeoutMs : serverMs;
  return {
    statusIntervalMs: Math.max(50, Math.min(configuredMs, Math.floor(limitMs / 3))),
    askAfterMs: Math.floor(limitMs / 2),
    giveUpAfterMs: limitMs,
  };
}
