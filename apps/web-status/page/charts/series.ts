/** The points of a line, and how they are kept up to date. */
import { useEffect, useState } from 'preact/hooks';
import type { HistoryMetric, HistoryPoint, HistorySeries } from '../../src/schema/history.ts';
import { ask, type Refusal, serverRoute } from '../api/ask.ts';
import { serverNow } from '../live/live-state.ts';
import { type Period, periods } from './chart-kinds.ts';

/** How often new points of the last hour are asked for, and how often a longer period is asked for anew. */
const tailEveryMs = 5000;
const anewEveryMs = 300_000;
/** What is younger may not be written yet, or only for some of the lines. */
const settledMs = 2500;

/** Points in order of time. */
export interface Series {
  readonly points: readonly HistoryPoint[];
  readonly stepMs: number;
}

/** The series of each metric; undefined before the first answer. */
export interface SeriesSet {
  readonly series: ReadonlyMap<HistoryMetric, Series> | undefined;
  readonly refusal: Refusal | undefined;
}

/** The series of a server, kept up to date. `metrics` must be the same array each time. */
export function useSeries(server: string, metrics: readonly HistoryMetric[], period: Period): SeriesSet {
  const [set, setSet] = useState<SeriesSet>({ series: undefined, refusal: undefined });
  useEffect(() => {
    const ended = new AbortController();
    let known: ReadonlyMap<HistoryMetric, Series> | undefined;
    const load = async (): Promise<void> => {
      const now = serverNow() - settledMs;
      try {
        const entries = await Promise.all(
          metrics.map(async (metric) => [metric, await loadSeries(server, { metric, period, now }, known?.get(metric))] as const),
        );
        known = new Map(entries);
        if (!ended.signal.aborted) setSet({ series: known, refusal: undefined });
      } catch (error) {
        if (!ended.signal.aborted) setSet({ series: known, refusal: error as Refusal });
      }
    };
    void load();
    const timer = setInterval(() => document.hidden || void load(), period === '1h' ? tailEveryMs : anewEveryMs);
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [server, metrics, period]);
  return set;
}

interface Wanted {
  readonly metric: HistoryMetric;
  readonly period: Period;
  /** Where all lines end, in milliseconds since 1970 by the clock of the server. */
  readonly now: number;
}

/** Of the last hour only what is new is asked for. */
async function loadSeries(server: string, { metric, period, now }: Wanted, known: Series | undefined): Promise<Series> {
  const since = now - periods[period].milliseconds;
  const last = period === '1h' ? known?.points.at(-1)?.[0] : undefined;
  const from = last === undefined || last < since ? since + 1000 : last + 1;
  if (known !== undefined && from >= now) return known;
  const query = new URLSearchParams({ metric, from: new Date(from).toISOString(), to: new Date(now).toISOString() });
  const fresh = await ask<HistorySeries>(serverRoute(server, `/history?${query}`), new AbortController().signal);
  const kept = last === undefined ? [] : (known?.points ?? []).filter(([at]) => at >= since && at <= last);
  return { points: [...kept, ...fresh.points], stepMs: fresh.stepMs };
}

/** Times in seconds and values for uPlot. Where points are missing a null keeps the line from being drawn. */
export function columnsOf({ points, stepMs }: Series): [number[], (number | null)[]] {
  const times: number[] = [];
  const values: (number | null)[] = [];
  let before: number | undefined;
  for (const [at, , , greatest] of points) {
    if (before !== undefined && at - before > stepMs * 3) {
      times.push((before + stepMs) / 1000);
      values.push(null);
    }
    times.push(at / 1000);
    values.push(greatest);
    before = at;
  }
  return [times, values];
}
