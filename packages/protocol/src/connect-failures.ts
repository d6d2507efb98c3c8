/** What is told when no server took us: of each address why it was passed over. */
import type { WalvaultError } from '@walvault/wal';
import { ConnectError, TargetSessionError } from './errors.ts';

/** Why one address was passed over. */
export interface Failure {
  /** In words: `server at "db1" (10.0.0.1), port 5432`. */
  readonly where: string;
  readonly error: WalvaultError;
}

/** The only failure itself, or one error that tells all of them. */
export function summarize(failures: readonly Failure[]): WalvaultError {
  const [only, second] = failures;
  if (only !== undefined && second === undefined) return only.error;
  const errors = failures.map(({ error }) => error);
  const isUnsuitable = errors.some((error) => error instanceof TargetSessionError);
  const found = isUnsuitable ? 'no suitable server was found' : 'no server could be reached';
  return new ConnectError(`${found}: ${failures.map(inWords).join('; ')}`, {
    where: 'all addresses',
    hint: errors.findLast(({ hint }) => hint !== undefined)?.hint,
    attempts: errors,
    cause: errors.at(-1),
  });
}

/** The error for an address that has not answered within `connect_timeout`. */
export function timedOut(where: string, connectTimeoutMs: number): ConnectError {
  return new ConnectError(`connection to ${where} failed: no answer within ${connectTimeoutMs / 1000} s`, {
    where,
    timedOut: true,
    hint: 'Check host, port and firewall, or raise connect_timeout.',
  });
}

/** Our own errors say where they happened, those of the server do not. */
function inWords({ where, error }: Failure): string {
  return error.message.includes(where) ? error.message : `${where}: ${error.message}`;
}
