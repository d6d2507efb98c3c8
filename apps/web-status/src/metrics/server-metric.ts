/** A metric about each server: what it is called, what it means, and how it is read from the last samples. */
import type { ReceiverState } from '@walvault/core/observing';
import type { ServerInspection } from '@walvault/core/checking';
import { summarize } from '../collector/summarize.ts';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import type { ServerSummary } from '../schema/server-summary.ts';

/** A server at the moment of a scrape, without samples that are too old to count. */
export interface ServerView {
  readonly snapshot: ServerSnapshot;
  readonly summary: ServerSummary;
  /** What its receiver published last, whether it still runs or not. */
  readonly receiver: ReceiverState | undefined;
  /** What the last check has found out. */
  readonly facts: ServerInspection['facts'];
}

/** A value, and the labels beside `server`. */
export interface Reading {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** See the members. */
export interface ServerMetric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  /** One sentence. */
  readonly help: string;
  /** Labels beside `server`, and what values they take. */
  readonly labels: Readonly<Record<string, string>>;
  /** Nothing when it is not known: a metric is never 0 for that. */
  readonly read: (view: ServerView) => readonly Reading[];
}

/** A number, or that it is not known. */
export type Known = number | null | undefined;

/** Samples count for so long, in milliseconds: a receiver is looked at every 2 seconds, a server every 15, an archive every minute. */
const freshLiveMs = 30_000;
const freshInspectionMs = 120_000;
const freshArchiveMs = 3_600_000;

/** Views a server; a pure function. */
export function viewServer(snapshot: ServerSnapshot, nowMs: number): ServerView {
  const { server } = snapshot;
  const fresh: ServerSnapshot = {
    server,
    live: ifFresh(snapshot.live, nowMs - freshLiveMs),
    inspection: ifFresh(snapshot.inspection, nowMs - freshInspectionMs),
    archive: ifFresh(snapshot.archive, nowMs - freshArchiveMs),
  };
  return {
    snapshot: fresh,
    summary: summarize(fresh, nowMs),
    receiver: fresh.live?.value.receiver.state,
    facts: fresh.inspection?.value.facts,
  };
}

function ifFresh<T extends { readonly at: number }>(sample: T | undefined, sinceMs: number): T | undefined {
  return sample === undefined || sample.at < sinceMs ? undefined : sample;
}

/** What is now, without labels. */
export function gauge(name: string, help: string, read: (view: ServerView) => Known): ServerMetric {
  return { name, type: 'gauge', help, labels: {}, read: (view) => readings(read(view), {}) };
}

/** What only grows while its process lives, without labels. */
export function counter(name: string, help: string, read: (view: ServerView) => Known): ServerMetric {
  return { name, type: 'counter', help, labels: {}, read: (view) => readings(read(view), {}) };
}

/** A label, and the values it takes. */
export type LabelValues<V extends string> = readonly [label: string, values: readonly V[]];

/** A gauge for each value of a label. */
export function gauges<V extends string>(
  name: string,
  help: string,
  [label, values]: LabelValues<V>,
  read: (view: ServerView, value: V) => Known,
): ServerMetric {
  const all = (view: ServerView): readonly Reading[] =>
    values.flatMap((value) => readings(read(view, value), { [label]: value }));
  return { name, type: 'gauge', help, labels: { [label]: inWords(values) }, read: all };
}

/** One of some states: 1 for the one that is, 0 for the others, and nothing when it is not known. */
export function stateSet<V extends string>(
  name: string,
  help: string,
  [label, values]: LabelValues<V>,
  current: (view: ServerView) => string | null | undefined,
): ServerMetric {
  const read = (view: ServerView, value: V): Known => {
    const state = current(view);
    return state == null ? undefined : Number(state === value);
  };
  return gauges(name, `${help} 1 for the one that is, 0 for the others.`, [label, values], read);
}

/** Seconds since 1970 of a time as answers have it. */
export function timestamp(time: string | null | undefined): Known {
  return time == null ? undefined : Date.parse(time) / 1000;
}

function readings(value: Known, labels: Reading['labels']): readonly Reading[] {
  return value == null || !Number.isFinite(value) ? [] : [{ value, labels }];
}

function inWords(values: readonly string[]): string {
  return values.map((value) => `\`${value}\``).join(', ');
}
