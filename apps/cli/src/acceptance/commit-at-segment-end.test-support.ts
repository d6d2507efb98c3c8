/** Commits whose record ends with the last byte of a segment of 1 MiB, which is when pg_receivewal has no file open (trap T4). */
import type { Cluster } from '@walvault/testkit';

const segmentBytes = 1024 * 1024;
const pageBytes = 8192;
const probeBytes = 300;

/** A commit that ended a segment. */
export interface CommitAtSegmentEnd {
  /** Where it ended, in bytes of WAL. */
  readonly lsn: number;
  /** How long it took until it was acknowledged. */
  readonly ms: number;
}

/** Makes one such commit, with `synchronous_commit = on`; a server that writes something of its own in between costs another try. */
export async function commitAtSegmentEnd(pg: Cluster): Promise<CommitAtSegmentEnd> {
  const client = await pg.client();
  const number = async (sql: string, ...params: unknown[]): Promise<number> =>
    Number(Object.values((await client.query(sql, params)).rows[0] as object)[0]);
  const position = async (): Promise<number> => number(`select pg_current_wal_insert_lsn() - '0/0'`);
  const write = async (transactional: boolean, bytes: number): Promise<unknown> =>
    client.query(`select pg_logical_emit_message($1, '', repeat('x', $2))`, [transactional, bytes]);
  try {
    // A wait for a standby that says nothing would last for ever.
    await client.query(`set statement_timeout = '30s'`);
    for (let attempt = 0; attempt < 20; attempt += 1) {
      await client.query('set synchronous_commit = local');
      for (let room = segmentBytes; room > pageBytes - 100; room = segmentBytes - ((await position()) % segmentBytes))
        await write(false, room === segmentBytes ? 8 : Math.max(8, Math.floor((room - pageBytes) * 0.98)));
      const before = await position();
      await write(true, probeBytes);
      const after = await position();
      const bytes = probeBytes + (segmentBytes - (after % segmentBytes)) - (after - before);
      if (bytes < probeBytes) continue;
      await client.query('set synchronous_commit = on');
      const start = performance.now();
      await write(true, bytes);
      const ms = performance.now() - start;
      const lsn = await number(`select pg_current_wal_flush_lsn() - '0/0'`);
      if (lsn % segmentBytes === 0) return { lsn, ms };
    }
    throw new Error('no commit ended with a segment');
  } finally {
    await client.end();
  }
}
