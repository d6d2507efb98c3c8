/** Kinds of WAL for a backlog: few large records, or very many small ones. Both keep their tables small while they write. */
import { bulkLoad, type Cluster } from '@walvault/testkit';

/** Name of a kind of WAL. */
export type WalKind = 'bulk' | 'small';

/** How a kind of WAL is made. */
export interface WalMaker {
  /** For the report. */
  readonly description: string;
  readonly prepare: (cluster: Cluster) => Promise<void>;
  /** Writes about so many MiB of WAL. */
  readonly write: (cluster: Cluster, megabytes: number) => Promise<void>;
}

const smallRowsPerMegabyte = 6500;
const accounts = 20_000;
/** Records of an update of all accounts and as many rows of history, with those that clean up behind it. */
const touchesPerMegabyte = 6000;

/** The ways to make WAL, by their names. */
export const walKinds: Readonly<Record<WalKind, WalMaker>> = {
  bulk: {
    description: 'three quarters rows of random bytes, one to a page, one quarter small rows with an index',
    prepare: async (cluster) => {
      await cluster.query('create table ledger (id bigint generated always as identity primary key, account int, note text)');
    },
    write: async (cluster, megabytes) => {
      await bulkLoad(cluster, megabytes * 0.75);
      await cluster.query(`insert into ledger (account, note) select random() * 1e6, md5(n::text)
        from generate_series(1, ${Math.ceil(megabytes * 0.25 * smallRowsPerMegabyte)}) as n`);
      await cluster.query('truncate bulk, ledger');
    },
  },
  small: {
    description: 'rows of accounts updated in place and rows of history inserted, as by pgbench, row by row',
    prepare: async (cluster) => {
      // room in each page for the next version of a row: then no index is touched, and no new page needed
      await cluster.query('create table account (id int primary key, balance bigint) with (fillfactor = 45)');
      await cluster.query('create table history (account int, delta int, at timestamptz, filler char(22))');
      await cluster.query(`insert into account select n, 0 from generate_series(1, ${accounts}) as n`);
    },
    write: async (cluster, megabytes) => {
      const passes = Math.max(1, Math.round((megabytes * touchesPerMegabyte) / accounts));
      for (let pass = 0; pass < passes; pass += 1) {
        await cluster.query('update account set balance = balance + id');
        await cluster.query(`insert into history select id, 1, now(), '' from account`);
      }
      await cluster.query('truncate history');
    },
  },
};
