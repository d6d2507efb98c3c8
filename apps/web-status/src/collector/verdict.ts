/** Whether the data of a server is safe: one word, and why. A pure function of what was sampled, and of when. */
import { exposureInWords, periodInWords } from '@walvault/core/observing';
import type { Verdict } from '../schema/server-summary.ts';
import { exposure } from './exposure.ts';
import type { Sampled, ServerSnapshot } from './server-snapshot.ts';
import { troubles } from './troubles.ts';

/** A judgement. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

/** Samples that are older do not count. */
const freshLiveMs = 15_000;
const freshInspectionMs = 90_000;
const freshArchiveMs = 3_600_000;

/** Judges. The worst that is known counts; the state of the receiver, which is newer, before what the checks say. */
export function judge(snapshot: ServerSnapshot, nowMs: number): Judgement {
  return (
    ignorance(snapshot, nowMs) ??
    worst(troubles(snapshot, nowMs)) ??
    ignoranceOfReceiver(snapshot) ??
    ignoranceOfArchive(snapshot, nowMs) ??
    ignoranceOfExposure(snapshot, nowMs) ??
    safe(snapshot, nowMs)
  );
}

function ignorance({ server, live, inspection }: ServerSnapshot, nowMs: number): Judgement | undefined {
  if (!server.active) return unknown('the server is switched off in the configuration (active = false)');
  if (live === undefined || inspection === undefined) return unknown('the server is being looked at for the first time');
  return (
    staleness('the state of the receiver was read', live, freshLiveMs, nowMs) ??
    staleness('the server was checked', inspection, freshInspectionMs, nowMs)
  );
}

function staleness(what: string, { at }: Sampled<unknown>, mostMs: number, nowMs: number): Judgement | undefined {
  if (nowMs - at > mostMs) return unknown(`${what} ${periodInWords(nowMs - at)} ago the last time`);
  // How old it is nobody knows then.
  return at - nowMs > mostMs
    ? unknown(`${what} at a time that is still to come: the clock of this machine was set back`)
    : undefined;
}

/** The first of the worst. */
function worst(found: Iterable<Judgement>): Judgement | undefined {
  const all = [...found];
  return all.find(({ verdict }) => verdict === 'danger') ?? all[0];
}

/** Of one that runs: that nothing can be read is no proof that something is wrong, and none that all is well. */
function ignoranceOfReceiver({ live }: ServerSnapshot): Judgement | undefined {
  const error = live?.value.receiver.stateError;
  return error === undefined ? undefined : unknown(`it is not known what the receiver does: ${error.message}`);
}

function ignoranceOfArchive({ archive }: ServerSnapshot, nowMs: number): Judgement | undefined {
  if (archive === undefined) return unknown('the archive is being looked at for the first time');
  return staleness('the archive was looked at', archive, freshArchiveMs, nowMs);
}

function ignoranceOfExposure(snapshot: ServerSnapshot, nowMs: number): Judgement | undefined {
  const { durable } = exposure(snapshot, nowMs);
  if (durable.bytes !== undefined && durable.seconds !== undefined) return undefined;
  return unknown(`it is not known what would be lost: ${durable.reason ?? 'see the checks'}`);
}

function safe(snapshot: ServerSnapshot, nowMs: number): Judgement {
  const { durable } = exposure(snapshot, nowMs);
  const { bytes, seconds = 0 } = durable;
  const words = bytes === 0 ? everythingUpTo(seconds) : `not durable here yet: ${exposureInWords(durable)}`;
  return { verdict: 'safe', reason: words };
}

/** Of what was committed since the server was last heard nobody knows. */
function everythingUpTo(seconds: number): string {
  const when = seconds === 0 ? 'is committed' : `was committed up to ${periodInWords(seconds * 1000)} ago`;
  return `everything that ${when} is durable here`;
}

function unknown(reason: string): Judgement {
  return { verdict: 'unknown', reason };
}
