/**
 * Verification in the background: of all servers together so many bytes a second (`verify_budget`), one server after another, a while
 * each. A server's turn comes again when its last verification is older than `verify_interval`, or was left off in the middle; then it
 * goes on there. One that does not get on, as when its file system hangs, is passed over until it answers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveEmptyError } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import type { Logger } from '@walvault/wal';
import { CoreError } from '../errors.ts';
import { readLastVerification } from '../last-verification.ts';
import { isThere, verifyStatePath } from '../server-paths.ts';
import { reportError } from '../state-publisher.ts';
import { verifyServerWal } from '../verify-server.ts';
import type { Duty } from './duty.ts';

/** A server that takes part. */
export interface VerifiedServer {
  readonly current: ServerConfig;
  readonly duty: Duty;
  /** When all damage was healed last, in milliseconds since 1970: a verdict from before is looked at again. */
  readonly healedAtMs?: number | undefined;
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
  /** Aborted by the next change of the configuration: what is due then is begun at once. */
  readonly change: () => AbortSignal;
  readonly stop: AbortSignal;
  /** Who has not got on for so long, in milliseconds, is passed over; five minutes unless given. */
  readonly hungAfterMs?: number | undefined;
  /** Between two rounds, in milliseconds; a minute unless given. */
  readonly pauseMs?: number | undefined;
}

/** After so long it is another one's turn. */
const sliceMs = 600_000;
const defaultPauseMs = 60_000;
/** A segment of 1 GB takes a minute or two on a slow disk. */
const defaultHungAfterMs = 300_000;
/** A server whose verification failed is left alone for so long. */
const afterFailureMs = 3_600_000;

/** Goes round until it is stopped. Never rejects. */
export async function verifyInRounds(options: VerificationRoundsOptions): Promise<void> {
  const { servers, budget, change, stop, pauseMs = defaultPauseMs } = options;
  const rounds = new Rounds(options);
  while (!stop.aborted) {
    const signal = AbortSignal.any([stop, change()]);
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    for (const server of budget() === 0 ? [] : servers()) {
      if (!stop.aborted && !server.stop.aborted) await rounds.turnOf(server);
    }
  }
}

/** The turns, and what is remembered from one to the next. */
class Rounds {
  readonly #options: VerificationRoundsOptions;
  readonly #notBefore = new Map<string, number>();
  /** By their duties, which a server has anew when it is begun anew. */
  readonly #hanging = new Set<Duty>();

  constructor(options: VerificationRoundsOptions) {
    this.#options = options;
  }

  /** Over when the server has done what is due, or its time is up, or it hangs. */
  async turnOf(server: VerifiedServer): Promise<void> {
    const { hungAfterMs = defaultHungAfterMs } = this.#options;
    const isLeftAlone = performance.now() < (this.#notBefore.get(server.current.name) ?? 0);
    if (isLeftAlone || this.#hanging.has(server.duty)) return;
    using watch = new ProgressWatch(hungAfterMs);
    if ((await Promise.race([this.#verify(server, watch), watch.hung])) !== 'hung') return;
    this.#hanging.add(server.duty);
    tell(server, hangs(server.current, hungAfterMs));
  }

  /** Never rejects. */
  async #verify(server: VerifiedServer, watch: ProgressWatch): Promise<void> {
    const isWell = await verifyIfDue(server, this.#options.budget, watch);
    this.#hanging.delete(server.duty);
    if (!isWell) this.#notBefore.set(server.current.name, performance.now() + afterFailureMs);
  }
}

function hangs({ name, directories }: ServerConfig, hungAfterMs: number): CoreError {
  const message = `verification of the WAL of server ${name} has not got on for ${Math.round(hungAfterMs / 1000)} s; others are verified meanwhile`;
  return new CoreError('ERR_NO_PROGRESS', message, {
    hint: `Look whether the file systems of "${directories.wals}" and "${directories.backup}" answer, as by: ls. It goes on by itself when they do.`,
    retry: 'retry',
  });
}

/** False when it failed, or there is nothing to verify. Never rejects. */
async function verifyIfDue(server: VerifiedServer, budget: () => number, watch: ProgressWatch): Promise<boolean> {
  // What cannot be looked at is told by the verification itself.
  const isNow = await isDue(server).catch(() => true);
  return isNow ? verifySlice(server, budget, watch) : true;
}

async function isDue({ current, healedAtMs = 0 }: VerifiedServer): Promise<boolean> {
  const last = await readLastVerification(current).catch(() => undefined);
  if (last === undefined || (await isThere(verifyStatePath(current)))) return isThere(current.directories.wals);
  const finishedAtMs = Date.parse(last.finishedAt);
  return (last.verdict === 'bad' && healedAtMs > finishedAtMs) || Math.abs(Date.now() - finishedAtMs) >= current.verifyIntervalMs;
}

async function verifySlice(server: VerifiedServer, budget: () => number, watch: ProgressWatch): Promise<boolean> {
  const { current, duty, log, stop, onDamage } = server;
  const slice = AbortSignal.timeout(sliceMs);
  const signal = AbortSignal.any([stop, slice]);
  const pace = async (bytes: number): Promise<void> => {
    const perSecond = budget();
    // Switched off meanwhile: what is done is kept, and goes on when it is switched on.
    if (perSecond === 0) throw new DOMException('verification is switched off', 'AbortError');
    // Who was passed over shares the budget no more: what is done is kept, and goes on with the next turn.
    if (!watch.pause()) throw new DOMException('it is the turn of another server', 'AbortError');
    await sleep((bytes / perSecond) * 1000, undefined, { signal, ref: false });
    watch.goOn();
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
    if (!(error instanceof ArchiveEmptyError)) tell(server, error);
    return false;
  }
}

function tell({ duty, log }: VerifiedServer, error: unknown): void {
  const trouble = reportError(error);
  const { code, message, hint } = trouble;
  log[duty.waitsFor(trouble) ? 'warn' : 'debug'](
    { code, error: message, hint },
    'verification of WAL failed; trying again later',
  );
}

/** Notices when nothing gets on. */
class ProgressWatch implements Disposable {
  readonly #hungAfterMs: number;
  readonly #verdict = Promise.withResolvers<'hung'>();
  #timer: NodeJS.Timeout | undefined;
  #isHung = false;

  constructor(hungAfterMs: number) {
    this.#hungAfterMs = hungAfterMs;
    this.goOn();
  }

  /** Fulfilled when there has been no progress for so long. */
  get hung(): Promise<'hung'> {
    return this.#verdict.promise;
  }

  /** There was progress, and now it waits on purpose. False when it has been given up already. */
  pause(): boolean {
    clearTimeout(this.#timer);
    return !this.#isHung;
  }

  /** It works from now on. */
  goOn(): void {
    this.#timer = setTimeout(() => {
      this.#isHung = true;
      this.#verdict.resolve('hung');
    }, this.#hungAfterMs).unref();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
