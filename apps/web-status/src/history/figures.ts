/** Figures over time: one hour as they were sampled, 30 days as the least, the mean and the greatest of each five minutes. */
import { type HistoryMetric, historyMetrics, type HistoryPoint } from '../schema/history.ts';
import type { HistoryFile } from './history-file.ts';

/** The figures of one moment; null where one is not known. */
export type FigureSample = Readonly<Record<HistoryMetric, number | null>>;

/** What was found. */
export interface Series {
  readonly stepMs: number;
  readonly points: readonly HistoryPoint[];
}

/** How far fine points lie apart, and for how long they are kept. */
export const fineStepMs = 2000;
const fineKeptMs = 3_600_000;
/** The same of coarse ones. */
export const coarseStepMs = 300_000;
const coarseKeptMs = 30 * 86_400_000;

const columns = historyMetrics.join(', ');
const marks = historyMetrics.map(() => '?').join(', ');
const aggregates = historyMetrics.map((metric) => `min(${metric}), avg(${metric}), max(${metric})`).join(', ');

/** The figures in a file. */
export class Figures {
  readonly #file: HistoryFile;

  constructor(file: HistoryFile) {
    this.#file = file;
  }

  /** Notes the figures of some servers, all or none. */
  note(samples: ReadonlyMap<string, FigureSample>, atMs: number): void {
    const at = Math.floor(atMs / fineStepMs) * fineStepMs;
    this.#file.atOnce(() => {
      for (const [server, sample] of samples) {
        const values = historyMetrics.map((metric) => sample[metric]);
        const id = this.#file.serverId(server);
        this.#file.run(`INSERT OR REPLACE INTO fine (server, at, ${columns}) VALUES (?, ?, ${marks})`, id, at, ...values);
      }
    });
  }

  /** Sums up what is over, and takes out what is too old. To be called now and then; after a restart it makes good what was missed. */
  condense(nowMs: number): void {
    const over = Math.floor(nowMs / coarseStepMs) * coarseStepMs;
    this.#file.atOnce(() => {
      // What lies in the time to come, after the clock was set back, would hold up what follows.
      for (const table of ['fine', 'coarse']) this.#file.run(`DELETE FROM ${table} WHERE at > ?`, nowMs + coarseStepMs);
      this.#file.run(
        `INSERT OR IGNORE INTO coarse SELECT server, at / ${coarseStepMs} * ${coarseStepMs} AS step, ${aggregates}
         FROM fine WHERE at >= (SELECT coalesce(max(at), 0) FROM coarse) AND at < ? GROUP BY server, step`,
        over,
      );
      // A step that was summed up is kept whole, or its rest would be taken for all of it.
      const oldest = Math.floor((nowMs - fineKeptMs) / coarseStepMs) * coarseStepMs;
      this.#file.run('DELETE FROM fine WHERE at < ?', oldest);
      this.#file.run('DELETE FROM coarse WHERE at < ?', nowMs - coarseKeptMs);
    });
  }

  /** One figure of a server; fine where all that is asked for is, coarse elsewhere. */
  series(
    server: string,
    metric: HistoryMetric,
    range: { readonly fromMs: number; readonly toMs: number; readonly nowMs: number },
  ): Series {
    const { fromMs, toMs, nowMs } = range;
    const id = this.#file.serverId(server);
    if (fromMs >= nowMs - fineKeptMs - coarseStepMs && toMs - fromMs <= fineKeptMs) {
      const rows = this.#file.rows(
        `SELECT at, ${metric} AS least, ${metric} AS mean, ${metric} AS most FROM fine WHERE server = ? AND at BETWEEN ? AND ? ORDER BY at`,
        id,
        fromMs,
        toMs,
      );
      return { stepMs: fineStepMs, points: rows.map(pointOf) };
    }
    const from = Math.floor(fromMs / coarseStepMs) * coarseStepMs;
    const kept = this.#file.rows(
      `SELECT at, ${metric}_least AS least, ${metric}_mean AS mean, ${metric}_most AS most FROM coarse
       WHERE server = ? AND at BETWEEN ? AND ? ORDER BY at`,
      id,
      from,
      toMs,
    );
    const fresh = this.#file.rows(
      `SELECT at / ${coarseStepMs} * ${coarseStepMs} AS step, min(${metric}) AS least, avg(${metric}) AS mean, max(${metric}) AS most
       FROM fine WHERE server = ? AND at > ? AND at BETWEEN ? AND ? GROUP BY step ORDER BY step`,
      id,
      Number(kept.at(-1)?.['at'] ?? 0) + coarseStepMs - 1,
      from,
      toMs,
    );
    return { stepMs: coarseStepMs, points: [...kept, ...fresh.map((row) => ({ ...row, at: row['step'] }))].map(pointOf) };
  }
}

function pointOf({ at, least, mean, most }: Readonly<Record<string, unknown>>): HistoryPoint {
  return [Number(at), numberOrNull(least), numberOrNull(mean), numberOrNull(most)];
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
