/**
 * One client whose commits wait for the standby, and which can end a commit at a chosen byte of the WAL: exactly where a segment
 * ends, or a little behind. It must be the only one who writes.
 *
 * A transaction is a logical message of a chosen length and the record of its commit. Within one page its WAL is as long as the
 * message and a fixed number of bytes, if the length is a multiple of 8 (MAXALIGN) and not short (XLogRecordAssemble).
 */
import type { Cluster } from '@walvault/testkit';
import { parseLsn } from '@walvault/wal';
import { commitOptions } from '../commit-server.ts';

/** Where a commit lies: in the midst of a segment, ending where one ends, with its record over the end, or the first in a new one. */
export type Place = 'inside' | 'at the end' | 'across' | 'first behind';

/** A commit that the server has acknowledged. */
export interface TimedCommit {
  readonly place: Place;
  readonly latencyMs: number;
}

/** What a transaction needs in the WAL besides the text of its message, and what of that is the record of its commit. */
interface Overhead {
  readonly bytes: number;
  readonly commitBytes: number;
}

type Client = Awaited<ReturnType<Cluster['client']>>;

const pageBytes = 8192;
const insideCommits = 5;
const smallBytes = 256;
/** How much is left of the last page when the commit at the end begins, about; and how much is written to get there at once. */
const lastRoom = 4000;
const fillBytes = 1024 * 1024;
/** By so much less than the record of the commit the segment ends before it. */
const acrossBytes = 16;

/** Commits on one connection. Disposing closes it. */
export class Committer implements AsyncDisposable {
  readonly #client: Client;
  readonly #segmentBytes: number;
  readonly #overhead: Overhead;

  private constructor(client: Client, segmentBytes: number, overhead: Overhead) {
    this.#client = client;
    this.#segmentBytes = segmentBytes;
    this.#overhead = overhead;
  }

  /** Connects, and measures what a transaction needs besides its message. */
  static async connect(cluster: Cluster): Promise<Committer> {
    const client = await cluster.client({ options: commitOptions.synchronous });
    return new Committer(client, cluster.segmentSizeMb * 1024 * 1024, await measureOverhead(client));
  }

  /**
   * Goes over the end of the current segment: some commits inside of it, the one at its end, and the first one behind.
   * @param place where the one at the end lies
   */
  async crossBoundary(place: 'at the end' | 'across'): Promise<readonly TimedCommit[]> {
    const commits: TimedCommit[] = [];
    await this.#fillTo(2 * fillBytes);
    for (let count = 0; count < insideCommits; count += 1) commits.push(await this.#commit('inside', smallBytes));
    await this.#fillTo(lastRoom);
    const boundary = await this.#boundary();
    const exactly = Number(boundary - (await position(this.#client))) - this.#overhead.bytes;
    const crossing = await this.#commit(place, place === 'at the end' ? exactly : exactly + acrossBytes);
    // the server itself may have written a record between, rarely
    const isExact = crossing.messageEnd + BigInt(this.#overhead.commitBytes) === boundary;
    commits.push(isExact ? crossing : { ...crossing, place: 'across' }, await this.#commit('first behind', smallBytes));
    return commits;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }

  async #commit(place: Place, bytes: number): Promise<TimedCommit & { readonly messageEnd: bigint }> {
    const startedAtMs = performance.now();
    const messageEnd = await emit(this.#client, true, bytes);
    return { place, latencyMs: performance.now() - startedAtMs, messageEnd };
  }

  /** Writes without waiting until no more than about `room` bytes are left in the segment. */
  async #fillTo(room: number): Promise<void> {
    for (;;) {
      const left = Number((await this.#boundary()) - (await position(this.#client)));
      // each page begins with a header of 24 bytes
      const missing = Math.floor((left - room) * (1 - 24 / pageBytes)) - this.#overhead.bytes;
      if (missing < smallBytes) return;
      await emit(this.#client, false, roundDown(Math.min(missing, fillBytes)));
    }
  }

  async #boundary(): Promise<bigint> {
    const at = await position(this.#client);
    const size = BigInt(this.#segmentBytes);
    return (at / size + 1n) * size;
  }
}

/** Writes a message, in a transaction that it begins and commits or in none; where its record ends. */
async function emit(client: Client, isTransactional: boolean, bytes: number): Promise<bigint> {
  return lsn(client, `pg_logical_emit_message($1, 'b', repeat('x', $2))`, [isTransactional, bytes]);
}

/** Several times, because a transaction that goes over the end of a page needs more. */
async function measureOverhead(client: Client): Promise<Overhead> {
  const found: Overhead[] = [];
  for (let count = 0; count < 4; count += 1) {
    const before = await position(client);
    await client.query('begin; set local synchronous_commit = off');
    const messageEnd = await emit(client, true, smallBytes);
    await client.query('commit');
    const after = await position(client);
    found.push({ bytes: Number(after - before) - smallBytes, commitBytes: Number(after - messageEnd) });
  }
  return found.reduce((least, next) => (next.bytes < least.bytes ? next : least));
}

/** Where the next record begins. */
async function position(client: Client): Promise<bigint> {
  return lsn(client, 'pg_current_wal_insert_lsn()');
}

async function lsn(client: Client, expression: string, values: readonly unknown[] = []): Promise<bigint> {
  const text = `select ${expression} as lsn`;
  const { rows } = await client.query<{ lsn: string }>({ name: expression, text, values: [...values] });
  return parseLsn(rows[0]?.lsn ?? '');
}

function roundDown(bytes: number): number {
  return bytes - (bytes % 8);
}
