/**
 * Verification in the background: of all servers together so many bytes a second (`verify_budget`), one server after another, a while
 * each. A server's turn comes again when its last verification is older than `verify_interval`, or was left off in the middle; then it
 * goes on there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveEmptyError } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import type { Logger } from '@walvault/wal';
import { readLastVerification } from '../last-verification.ts';
import { isThere, verifyStatePath } from '../server-paths.ts';
import { reportError } from '../state-publisher.ts';
import { verifyServerWal } from '../verify-server.ts';
import type { Duty } from './duty.ts';

/** A server that takes part. */
export interface VerifiedServer {
  readonly current: ServerConfig;
  readonly duty: Duty;
  readonly log: Logger;
  /** Aborted when the server takes part no more. */
  readonly stop: AbortSignal;
  /** Called when something is bad or missing. */
  readonly onDamage: () => void;
}

/** What the rounds work with. */
export interface VerificationRoundsOptions {
  /** Those that take part now. */
  readonly servers: () => readonly VerifiedServer[];
  /** Bytes a second; 0 for none. */
  readonly budget: () => number;
  readonly stop: AbortSignal;
}

/** After so long it is another one's turn. */
const sliceMs = 600_000;
const pauseMs = 60_000;
/** A server whose verification failed is left alone for so long. */
const afterFailureMs = 3_600_000;

/** Goes round until it is stopped. Never rejects. */
export async function verifyInRounds(options: VerificationRoundsOptions): Promise<void> {
  const { servers, budget, stop } = options;
  const notBefore = new Map<string, number>();
  const rest = (): Promise<unknown> => sleep(pauseMs, undefined, { signal: stop, ref: false }).catch(() => undefined);
  while (!stop.aborted) {
    await rest();
    for (const server of budget() === 0 ? [] : servers()) {
      const { name } = server.current;
      if (stop.aborted || server.stop.aborted || performance.now() < (notBefore.get(name) ?? 0)) continue;
      if (!(await isDue(server.current))) continue;
      if (!(await verifySlice(server, budget))) notBefore.set(name, performance.now() + afterFailureMs);
    }
  }
}

async function isDue(server: ServerConfig): Promise<boolean> {
  const last = await readLastVerification(server).catch(() => undefined);
  if (last === undefined || (await isThere(verifyStatePath(server)))) return isThere(server.directories.wals);
  return Math.abs(Date.now() - Date.parse(last.finishedAt)) >= server.verifyIntervalMs;
}

/** False when it failed, or there is nothing to verify. */
async function verifySlice({ current, duty, log, stop, onDamage }: VerifiedServer, budget: () => number): Promise<boolean> {
  const slice = AbortSignal.timeout(sliceMs);
  const signal = AbortSignal.any([stop, slice]);
  const pace = async (bytes: number): Promise<void> => {
    const perSecond = budget();
    // Switched off meanwhile: what is done is kept, and goes on when it is switched on.
    if (perSecond === 0) throw new DOMException('verification is switched off', 'AbortError');
    await sleep((bytes / perSecond) * 1000, undefined, { signal, ref: false });
  };
  duty.enter('working');
  try {
    const { verdict, good, bad, unknown, holes, missingSegments } = await verifyServerWal(current, { signal, pace });
    duty.enter('idle');
    const level = verdict === 'good' ? 'info' : verdict === 'bad' ? 'error' : 'warn';
    log[level]({ verdict, good, bad, unknown, holes, missingSegments }, 'verified all WAL');
    if (verdict === 'bad') onDamage();
    return true;
  } catch (error) {
    duty.enter('idle');
    if (signal.aborted || (error instanceof Error && error.name === 'AbortError')) return true;
    if (error instanceof ArchiveEmptyError) return false;
    const trouble = reportError(error);
    const { code, message, hint } = trouble;
    log[duty.waitsFor(trouble) ? 'warn' : 'debug'](
      { code, error: message, hint },
      'verification of WAL failed; trying again later',
    );
    return false;
  }
}
