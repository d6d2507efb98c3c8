/**
 * Makes WAL: a given volume of it, or a number of full segments. The rows are random, so that neither the server's nor an
 * archive's compression makes the work smaller than it says.
 */
import { randomFillSync } from 'node:crypto';
import type { Cluster } from './cluster.ts';

const mebibyte = 1024 * 1024;
/** Bytes of a row: one to a page, none in TOAST. */
const rowBytes = 7900;
const rowsAtOnce = 33;

/**
 * Inserts rows into the table `bulk` until the server has written at least this much WAL more, durably.
 * @param megabytes volume in MiB; a fraction is fine
 */
export async function bulkLoad(cluster: Cluster, megabytes: number): Promise<void> {
  const client = await cluster.client();
  try {
    await client.query('create table if not exists bulk (data bytea); alter table bulk alter column data set storage plain');
    await client.query('set synchronous_commit = off');
    const start = await cluster.currentLsn();
    const insert =
      'insert into bulk select substring($1::bytea from 1 + row * $2::int for $2::int) from generate_series(0, $3::int - 1) as row';
    const progress = 'select pg_wal_lsn_diff(pg_current_wal_lsn(), $1) >= $2 as enough';
    const random = Buffer.alloc(rowBytes * rowsAtOnce);
    do {
      await client.query({ name: 'insert', text: insert, values: [randomFillSync(random), rowBytes, rowsAtOnce] });
    } while (
      (await client.query({ name: 'progress', text: progress, values: [start, megabytes * mebibyte] })).rows[0].enough !== true
    );
    // One commit that waits for the disk, and with it for all before it.
    await client.query(`set synchronous_commit = local; select pg_logical_emit_message(true, 'testkit', 'loaded')`);
  } finally {
    await client.end();
  }
}

/** Writes rows until `count` more segments are full of them; the names of the segment files that became complete, oldest first. */
export async function fillSegments(cluster: Cluster, count: number): Promise<string[]> {
  const first = await currentWalFile(cluster);
  await bulkLoad(cluster, count * cluster.segmentSizeMb);
  const last = await currentWalFile(cluster);
  return (await cluster.walFiles()).filter((name) => name >= first && name < last);
}

/** The segment that is being written: the server must be inside of it, since at a boundary it names the one before. */
async function currentWalFile(cluster: Cluster): Promise<string> {
  await cluster.query(`select pg_logical_emit_message(false, 'testkit', 'position')`);
  return (await cluster.value('select pg_walfile_name(pg_current_wal_insert_lsn())')) ?? '';
}
