/**
 * Watches how much WAL the slot of a receiver keeps on its server, for as long as the receiver lives, whether it streams or not: says
 * so well before a limit is reached, publishes what it sees, and tells when the slot is to be given up (`slot_policy = protect-server`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from '@walvault/config';
import { type Logger, type Lsn, roundDownToSegment, type WalSegmentSize } from '@walvault/wal';
import type { LiveServerConfig } from '../live-server-config.ts';
import { reportError } from '../state-publisher.ts';
import { judgeSlotSafety, type SlotSafety } from './judge-slot-safety.ts';
import { lookAtSlot, type ObservedRetention } from './look-at-slot.ts';
import { nextLookMs, type SlotLook } from './next-look.ts';

/** What a guard works with. */
export interface SlotGuardOptions {
  readonly live: LiveServerConfig;
  readonly log: Logger;
  /** Called after each look; undefined when nothing is known. */
  readonly onSafety: (safety: SlotSafety | undefined) => void;
}

const firstLookMs = 1000;
/** A server that does not answer, or a role that may not ask. */
const failedLookMs = 60_000;
/** A server that holds on to the old connection lets go of it when a time-out of its own says that it is dead. */
const postponedMs = 10_000;
const patienceMs = 10_000;
/** The smallest that there are: whatever the size of segments, less than one is freed by less. */
const smallestSegment = (1024 * 1024) as WalSegmentSize;

/** The guard of one slot. */
export class SlotGuard {
  readonly #options: SlotGuardOptions;
  #before: SlotLook | undefined;
  #level: SlotSafety['level'] = 'ok';
  #limit = new AbortController();
  #restartLsnGivenUp: Lsn | undefined;
  #isSpared = false;
  #notBeforeMs = 0;

  constructor(options: SlotGuardOptions) {
    this.#options = options;
  }

  /** Aborted when the slot is to be given up; made anew when it is, or is not any more. */
  get limit(): AbortSignal {
    return this.#limit.signal;
  }

  /**
   * Behind {@link limit}: the slot as it is now, or undefined when it is not to be given up any more. The stream that has ended may have
   * moved it on, and the configuration may be another one.
   * @throws what connecting and asking throw
   */
  async toGiveUp(server: ServerConfig, signal: AbortSignal): Promise<ObservedRetention | undefined> {
    const slot = server.slotName === undefined ? undefined : await lookAtSlot(server, server.slotName, signal);
    if (slot !== undefined && this.#isToGiveUp(slot, server)) return slot;
    this.#limit = new AbortController();
    return undefined;
  }

  /** To be called when the slot is dropped. */
  givenUp({ restartLsn }: ObservedRetention): void {
    this.#restartLsnGivenUp = restartLsn;
    this.#before = undefined;
    this.#limit = new AbortController();
  }

  /** To be called when it could not be dropped: streaming may go on for now. */
  postpone(): void {
    this.#notBeforeMs = performance.now() + postponedMs;
    this.#limit = new AbortController();
  }

  /** Looks now and then until the signal is aborted. Never rejects. */
  async watch(signal: AbortSignal): Promise<void> {
    const { live } = this.#options;
    for (let waitMs = firstLookMs; !signal.aborted; waitMs = await this.#look(live.current, signal)) {
      await sleep(waitMs, undefined, { signal: AbortSignal.any([signal, live.change]), ref: false }).catch(() => undefined);
    }
  }

  /** Gives the milliseconds until the next look. */
  async #look(server: ServerConfig, signal: AbortSignal): Promise<number> {
    const { log, onSafety } = this.#options;
    if (server.slotName === undefined || signal.aborted) return failedLookMs;
    try {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
      const slot = await lookAtSlot(server, server.slotName, patience);
      // One that is missing is told of by the receiver.
      if (slot === undefined) return failedLookMs;
      const safety = judgeSlotSafety(slot, server);
      onSafety(safety);
      this.#tell(server, safety);
      if (!this.#isToGiveUp(slot, server)) this.#isSpared = false;
      else if (!this.#spares(slot) && performance.now() >= this.#notBeforeMs)
        this.#limit.abort(new DOMException('the slot is to be given up', 'AbortError'));
      const { retainedBytes, safeBytes } = safety;
      const look = { atMs: performance.now(), retainedBytes, safeBytes };
      const waitMs = nextLookMs(look, this.#before);
      this.#before = look;
      return waitMs;
    } catch (error) {
      if (signal.aborted) return failedLookMs;
      onSafety(undefined);
      const { code, message } = reportError(error);
      log.debug({ code, error: message }, 'could not look how much WAL the slot keeps');
      return failedLookMs;
    }
  }

  /** Says what is news: another level. */
  #tell({ slotName, slotPolicy }: ServerConfig, { level, reason, retainedBytes, safeBytes }: SlotSafety): void {
    if (level === this.#level) return;
    this.#level = level;
    const fields = { slot: slotName, slotPolicy, retainedBytes, safeBytes };
    if (level === 'ok') this.#options.log.info(fields, `the replication slot is safe again: it ${reason}`);
    else this.#options.log[level === 'critical' ? 'error' : 'warn'](fields, `the replication slot ${reason}`);
  }

  /**
   * Whether a slot at the limit may stay for now: one that keeps less than at the look before is being caught up with, and its server
   * will not run full by it. At the first look nobody knows yet.
   */
  #spares({ slotName, retainedBytes = 0 }: ObservedRetention): boolean {
    const before = this.#before?.retainedBytes;
    const isSpared = before === undefined || retainedBytes < before;
    if (isSpared && !this.#isSpared) {
      const words = 'slot_policy = protect-server: the replication slot keeps more than slot_retained_limit';
      this.#options.log.warn(
        { slot: slotName, retainedBytes },
        `${words}; it is not dropped as long as it keeps less with each look`,
      );
    }
    this.#isSpared = isSpared;
    return isSpared;
  }

  /** WAL from the last checkpoint on the server keeps anyway: dropping a slot that stands there would free nothing. */
  #isToGiveUp(slot: ObservedRetention, server: ServerConfig): boolean {
    const { restartLsn, redoLsn } = slot;
    if (server.slotPolicy !== 'protect-server' || restartLsn === undefined || !judgeSlotSafety(slot, server).isAtLimit)
      return false;
    return redoLsn === undefined
      ? restartLsn !== this.#restartLsnGivenUp
      : roundDownToSegment(restartLsn, smallestSegment) < roundDownToSegment(redoLsn, smallestSegment);
  }
}
