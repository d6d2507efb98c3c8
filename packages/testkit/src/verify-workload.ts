/**
 * The question after a disaster: does the restored server hold every row that was acknowledged?
 */
import type { Cluster } from './cluster.ts';
import type { Acknowledged, AcknowledgedClient } from './workload.ts';

/** A row that was acknowledged and is not there. */
export interface LostRow {
  readonly client: number;
  readonly id: number;
}

/** What {@link verifyWorkload} found. */
export interface WorkloadVerdict {
  /** Number of commits that were acknowledged. */
  readonly acknowledged: number;
  /** Number of rows that are there; more than acknowledged where unsure commits got through. */
  readonly restored: number;
  /** Acknowledged rows that are not there, in order of client and id. Empty is what everybody hopes for. */
  readonly lost: readonly LostRow[];
}

/** Compares the rows that a (restored) server holds with those that were acknowledged. Only reads, so a standby will do. */
export async function verifyWorkload(cluster: Cluster, acknowledged: Acknowledged): Promise<WorkloadVerdict> {
  const exists = (await cluster.value('select to_regclass($1) is not null', [acknowledged.table])) === 'true';
  const rows = exists ? acknowledged.table : '(select 0 as client, 0 as id where false) as nothing';
  const restored = Number(await cluster.value(`select count(*) from ${rows}`));
  const lost: LostRow[] = [];
  for (const client of acknowledged.clients) lost.push(...(await lostOf(cluster, rows, client)));
  return { acknowledged: acknowledged.count, restored, lost };
}

async function lostOf(cluster: Cluster, rows: string, { client, last, unsure }: AcknowledgedClient): Promise<LostRow[]> {
  const sql = `select id::int from generate_series(1, $2::int) as id except select id::int from ${rows} where client = $1 order by id`;
  const missing = await cluster.query<{ id: number }>(sql, [client, last]);
  const mayBeMissing = new Set(unsure);
  return missing.filter(({ id }) => !mayBeMissing.has(id)).map(({ id }) => ({ client, id }));
}
