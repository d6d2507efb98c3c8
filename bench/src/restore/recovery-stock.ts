/**
 * A base backup, and the same segments behind it in every archive that is measured: a plain folder, and those that walvault, Barman and
 * pgBackRest have made of them. The server that wrote them is gone before anything is measured.
 */
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, type PostgresMajor, runAsServerUser } from '@walvault/testkit';
import { fillStreamingDirectory } from '../archive/archive-run.ts';
import { barmanArchiver, type Codec, walvaultArchiver } from '../archive/archivers.ts';
import type { ProgramKind } from '../built-program.ts';
import { BenchFailure } from '../failure.ts';
import { receivingDirectory } from '../receiving-directory.ts';
import { timedCommand } from '../timed-command.ts';
import { makeWalStock, type StockKind, type WalStock } from '../wal-stock.ts';
import { PgBackRest, type pgBackRestTypes } from './pgbackrest.ts';

/** Programs that can be compared. */
export type ContenderName = 'cp' | 'walvault' | 'barman' | 'pgbackrest';

/** What a stock is made of. */
export interface RecoveryStockOptions {
  readonly segments: number;
  readonly wal: StockKind;
  readonly major: PostgresMajor;
  readonly codec: RecoveryCodec;
  readonly program: ProgramKind;
  readonly against: readonly ContenderName[];
  /** Where to make it; the directory for temporary files when empty. */
  readonly directory: string;
}

/** Compressions that both walvault and pgBackRest have. */
export type RecoveryCodec = keyof typeof pgBackRestTypes & Codec;

/** Disposing removes everything. */
export interface RecoveryStock extends AsyncDisposable {
  readonly home: string;
  /** Base backup, to be copied. */
  readonly backup: string;
  /** Folder of the segments as they are. */
  readonly plain: string;
  readonly walvaultConfig: string;
  readonly barmanHome: string;
  readonly pgBackRest: PgBackRest | undefined;
  readonly codec: RecoveryCodec;
  readonly names: readonly string[];
  readonly serverVersion: string;
}

/** Makes the archives of those that are compared. */
export async function makeRecoveryStock(options: RecoveryStockOptions): Promise<RecoveryStock> {
  const { codec, against } = options;
  await using stack = new AsyncDisposableStack();
  const { path: home } = stack.use(await receivingDirectory(options.directory));
  const inHome = (name: string): string => join(home, name);
  await runAsServerUser(['mkdir', ...['plain', 'walvault', 'barman', 'pgbackrest'].map(inHome)]);
  const repository = against.includes('pgbackrest')
    ? await PgBackRest.create({ home: inHome('pgbackrest'), compression: codec })
    : undefined;
  await using stock = await makeWalStock({
    ...options,
    server: {
      begin: async (cluster) => takeBackup(cluster, inHome('backup')),
      complete: async (cluster, names) => repository?.archive(cluster, names),
    },
  });
  const names = [...stock.hashes.keys()];
  for (const name of names) await copyFile(join(stock.directory, name), join(inHome('plain'), name));
  if (against.includes('walvault')) await archiveByWalvault(stock, inHome('walvault'), options);
  if (against.includes('barman')) await archiveByBarman(stock, inHome('barman'), codec);
  const owned = stack.move();
  return {
    home,
    backup: inHome('backup'),
    plain: inHome('plain'),
    walvaultConfig: join(inHome('walvault'), 'walvault.conf'),
    barmanHome: inHome('barman'),
    pgBackRest: repository,
    codec,
    names,
    serverVersion: stock.serverVersion,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Takes a base backup; gives the segment that its recovery begins with. */
async function takeBackup(cluster: Cluster, path: string): Promise<string> {
  await cluster.baseBackup(path);
  const label = await readFile(join(path, 'backup_label'), 'utf8');
  const first = /^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)/.exec(label)?.[1];
  if (first === undefined) throw new BenchFailure(`the base backup does not say where it begins:\n${label}`);
  return first;
}

async function archiveByWalvault(stock: WalStock, home: string, { program, codec }: RecoveryStockOptions): Promise<void> {
  await fillStreamingDirectory(join(home, 'bench'), stock);
  const archiver = walvaultArchiver({ program, codec, level: '' });
  await using launch = await archiver.prepare(home, ['archive-wal', 'bench']);
  await timedCommand({ name: 'walvault archive-wal', argv: launch.argv, env: launch.env });
}

/** Barman 3.4 has neither zstd nor lz4. */
async function archiveByBarman(stock: WalStock, home: string, codec: RecoveryCodec): Promise<void> {
  await fillStreamingDirectory(join(home, 'bench'), stock);
  const archiver = await barmanArchiver(codec === 'none' ? 'none' : 'gzip');
  await using launch = await archiver.prepare(home, ['archive-wal', 'bench']);
  await timedCommand({ name: 'barman archive-wal', argv: launch.argv, env: launch.env });
}
