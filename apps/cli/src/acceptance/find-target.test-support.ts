/** Archives with recovery targets that the server itself has told of, and recoveries by the lines that find-target prints. */
import { execFile } from 'node:child_process';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Cluster, startExisting, temporaryDirectory, type TemporaryDirectory } from '@walvault/testkit';
import { plant, type Vault } from './vault.test-support.ts';

/** A transaction, as the server knows it. */
export interface Committed {
  readonly name: string;
  readonly xid: number;
  /** pg_xact_commit_timestamp, in microseconds since 1970. */
  readonly time: bigint;
  /** The end of the WAL when it was committed. */
  readonly endLsn: string;
}

/** Commits a row, and asks the server when that was. */
export async function commit(pg: Cluster, name: string): Promise<Committed> {
  const xid = await pg.value(`insert into marks values ('${name}') returning pg_current_xact_id()::xid::text`);
  const [row] = await pg.query<{ us: string; lsn: string }>(
    `select (extract(epoch from pg_xact_commit_timestamp($1::text::xid)) * 1000000)::bigint::text as us, pg_current_wal_lsn()::text as lsn`,
    [xid],
  );
  return { name, xid: Number(xid), time: BigInt(row!.us), endLsn: row!.lsn };
}

/** Begins and rolls back a transaction that leaves a record. */
export async function rollBack(pg: Cluster): Promise<number> {
  const client = await pg.client();
  try {
    await client.query('begin');
    await client.query(`insert into marks values ('rolled back')`);
    const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::xid::text as xid');
    await client.query('rollback');
    return Number(rows[0]!.xid);
  } finally {
    await client.end();
  }
}

/** Describes a copy of a data directory, taken before `endLsn`, as Barman does. */
export async function describeBackup(vault: Vault, backup: string, facts: { id: string; endLsn: string }): Promise<void> {
  const label = await readFile(join(backup, 'backup_label'), 'utf8');
  const [, beginLsn, beginWal] = /^START WAL LOCATION: (\S+) \(file (\w+)\)/.exec(label)!;
  const timeline = /^START TIMELINE: (\d+)/m.exec(label)![1]!;
  const fields = {
    begin_time: '2026-01-01 00:00:00+00:00',
    begin_wal: beginWal,
    begin_xlog: beginLsn,
    end_time: '2026-01-01 00:00:01+00:00',
    end_wal: beginWal,
    end_xlog: facts.endLsn,
    mode: 'postgres',
    status: 'DONE',
    systemid: 'None',
    timeline,
    version: '180000',
    xlog_segment_size: String(1024 * 1024),
  };
  const text = Object.entries(fields).map(([key, value]) => `${key}=${value}\n`);
  await plant(vault.path('base', facts.id), 'backup.info', text.join(''));
}

/** The result of `find-target -f json` for `pg`. */
export interface FoundJson {
  readonly found: boolean;
  readonly finding: string;
  readonly place: {
    readonly timeline: number;
    readonly target_timeline: number;
    readonly segment: string;
    readonly lsn: string;
    readonly end_lsn: string;
    readonly is_replayed: boolean;
    readonly record: { readonly kind: string; readonly xid: number; readonly time: string; readonly name: string | null } | null;
    readonly last_commit: { readonly xid: number; readonly time: string } | null;
  } | null;
  readonly others: readonly NonNullable<FoundJson['place']>[];
  readonly reachability: {
    readonly verdict: string;
    readonly backup: { readonly id: string } | null;
    readonly holes: readonly { readonly first: string; readonly last: string; readonly count: number }[];
    readonly faulty: readonly string[];
    readonly whole_from: string | null;
  } | null;
  readonly settings: { readonly lines: readonly string[] } | null;
  readonly reach: { readonly last: string; readonly last_commit_time: string };
  readonly segments_read: number;
  readonly warnings: readonly string[];
}

/** Runs find-target for programs. */
export async function find(vault: Vault, ...args: readonly string[]): Promise<FoundJson & { readonly code: number | null }> {
  const { code, stdout, stderr } = await vault.run('-f', 'json', 'find-target', 'pg', ...args);
  const result = (JSON.parse(stdout) as { pg?: FoundJson }).pg;
  if (result === undefined) throw new Error(`${stdout}${stderr}`);
  return { ...result, code };
}

/** A server that stands at the target it was told to recover to. */
export class AtTarget implements AsyncDisposable {
  readonly server: Cluster;
  readonly #home: TemporaryDirectory;

  private constructor(server: Cluster, home: TemporaryDirectory) {
    this.server = server;
    this.#home = home;
  }

  /** Recovers a copy of a backup with exactly the lines that find-target prints for people. */
  static async reach(vault: Vault, backup: string, ...args: readonly string[]): Promise<AtTarget> {
    const printed = await vault.succeed('find-target', 'pg', ...args);
    const [, lines] = /In postgresql\.conf in the data directory of the restored backup:\n\n([\s\S]+?)\n\nand beside it/.exec(
      printed,
    )!;
    const home = await temporaryDirectory('at-target');
    const data = join(home.path, 'data');
    await promisify(execFile)('cp', ['-a', backup, data]);
    await appendFile(join(data, 'postgresql.auto.conf'), `${lines}\n`);
    const server = await startExisting(data, {
      segmentSizeMb: 1,
      recover: 'recovery',
      settings: { fsync: false, track_commit_timestamp: true },
    });
    const action = /recovery_target_action = '(\w+)'/.exec(lines!)![1];
    const isThere = action === 'promote' ? 'not pg_is_in_recovery()' : `pg_get_wal_replay_pause_state() = 'paused'`;
    try {
      await server.waitFor(`select ${isThere}`);
    } catch (cause) {
      throw new Error(`not at the target:\n${lines}\n${await server.log()}`, { cause });
    }
    return new AtTarget(server, home);
  }

  async marks(): Promise<readonly unknown[]> {
    return (await this.server.query('select name from marks')).map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#home[Symbol.asyncDispose]();
  }
}
