/** Deletes the WAL of a server that its retention policy lets go. */
import { stat, utimes } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ArchiverBusyError,
  Catalog,
  CatalogError,
  type DeleteReport,
  deleteWal,
  type DeletionCatalog,
  findVanishedBackups,
  type HookScripts,
  type NeededBackup,
  rememberBackups,
  type RemovedFile,
  type WalRetention,
} from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { errnoOf, fileSystemError, tryLock } from '@walvault/durable-fs';
import type { Logger } from '@walvault/wal';
import { backupDirectories, listServerBackups } from './base-backups.ts';
import { deletionEveryMs } from './deletion-interval.ts';
import { catalogPath, deletionRecordPath, ensureDirectories, knownBackupsPath, lockPath } from './server-paths.ts';
import { readOptions } from './server-wal.ts';

/** How to delete. */
export interface DeleteServerWalOptions {
  readonly signal: AbortSignal;
  /** Only say what would go. */
  readonly dryRun?: boolean | undefined;
  /** How long to wait for an archiver that is at work, in milliseconds; a minute unless given. */
  readonly patienceMs?: number | undefined;
  readonly log?: Logger | undefined;
  readonly onFile?: ((file: RemovedFile) => void) | undefined;
}

const dayMs = 86_400_000;
const daysOf = { day: 1, week: 7, month: 31 } as const;
const busyPauseMs = 200;

/**
 * Deletes what may go by `wal_retention_policy`.
 * @returns `busy` when another process is at it, or archives all the time; in the second case it is due again in ten minutes
 * @throws what `deleteWal` throws
 */
export async function deleteServerWal(server: ServerConfig, options: DeleteServerWalOptions): Promise<DeleteReport | 'busy'> {
  if (options.dryRun === true) return deleteNow(server, options);
  await ensureDirectories(server.lockDirectory, server.directories.wals);
  const path = lockPath(server, 'delete-wal');
  await using lock = await tryLock(path);
  if (lock === undefined) return 'busy';
  const deadline = performance.now() + (options.patienceMs ?? 60_000);
  for (;;) {
    try {
      return await deleteNow(server, options);
    } catch (error) {
      if (!(error instanceof ArchiverBusyError)) throw error;
      if (performance.now() >= deadline) return await putOff(path);
      await sleep(busyPauseMs);
      options.signal.throwIfAborted();
    }
  }
}

/** So soon it is due again where nothing was deleted. Sooner, `cron` would complain every minute of an archive-wal that works off a backlog. */
const putOffMs = 600_000;

/** Nothing was deleted, and the file must not say so. */
async function putOff(path: string): Promise<'busy'> {
  const time = new Date(Date.now() - deletionEveryMs + putOffMs);
  await utimes(path, time, time).catch((error: unknown) => {
    throw fileSystemError('set the time of', path, error);
  });
  return 'busy';
}

/**
 * Whether `cron` should delete now: once an hour, where there is a policy by which anything may go. The lock file tells when it was
 * done last.
 */
export async function isDeletionDue(server: ServerConfig, now: number = Date.now()): Promise<boolean> {
  if (server.passive) return false;
  if (server.walRetentionPolicy.kind === 'main') {
    const { backups, unreadable } = await listServerBackups(server);
    if (backups.length === 0 && unreadable.length === 0) return false;
  }
  const path = lockPath(server, 'delete-wal');
  try {
    return Math.abs(now - (await stat(path)).mtimeMs) >= deletionEveryMs;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    throw fileSystemError('look at', path, error);
  }
}

async function deleteNow(server: ServerConfig, options: DeleteServerWalOptions): Promise<DeleteReport> {
  const { signal, log } = options;
  const reading = await readOptions(server);
  return deleteWal({
    ...options,
    serverName: server.name,
    configFile: server.configFile,
    directories: reading.directories,
    systemIdentifier: reading.systemIdentifier,
    lockDirectory: server.lockDirectory,
    xlogDbDirectory: server.xlogdbDirectory,
    recordPath: deletionRecordPath(server),
    policy: policyOf(server),
    backups: () => neededBackups(server, options.dryRun !== true),
    catalog: catalogOf(server),
    hooks: deletionScripts(server),
    hookOptions: { timeoutMs: server.hookTimeoutMs, signal, log },
  });
}

function deletionScripts({ hooks }: ServerConfig): HookScripts {
  const { preWalDelete: pre, preWalDeleteRetry: preRetry, postWalDeleteRetry: postRetry, postWalDelete: post } = hooks;
  return { pre, preRetry, postRetry, post };
}

function policyOf({ walRetentionPolicy: policy }: ServerConfig): WalRetention {
  return policy.kind === 'main' ? policy : { kind: policy.kind, windowMs: policy.count * daysOf[policy.unit] * dayMs };
}

/** A backup that cannot be read, or that vanished and may come back, may need anything. What there is goes on record when all is clear. */
async function neededBackups(server: ServerConfig, isToBeRemembered: boolean): Promise<readonly NeededBackup[]> {
  const recordPath = knownBackupsPath(server);
  const listing = await listServerBackups(server);
  const { backups, unreadable } = listing;
  const found = { directories: backupDirectories(server), listing };
  const vanished = await findVanishedBackups(recordPath, found);
  if (vanished === undefined && unreadable.length === 0 && isToBeRemembered) await rememberBackups(recordPath, found);
  return [
    ...backups.map(({ id, status, begin, end, keep }) => ({
      id,
      status,
      beginWal: begin?.walName,
      needsOnlyTo: keep === 'standalone' ? end?.walName : undefined,
    })),
    ...unreadable.map(({ path, problem, remedy }) => ({
      id: path,
      status: `unreadable: it ${problem}`,
      beginWal: undefined,
      remedy,
    })),
    ...(vanished === undefined
      ? []
      : [{ id: vanished.id, status: vanished.problem, beginWal: undefined, remedy: vanished.remedy }]),
  ];
}

/** Opened for each use, and never made: what is not there need not be told. */
function catalogOf(server: ServerConfig): DeletionCatalog {
  const policy = server.settings.get('wal_retention_policy')?.text ?? 'main';
  const path = catalogPath(server);
  return {
    lastCommits() {
      using catalog = openIfThere(path, true);
      const sql = 'SELECT name, last_commit_time FROM segment WHERE last_commit_time IS NOT NULL';
      const rows = catalog?.database.rows(sql) ?? [];
      return new Map(rows.map((row) => [String(row['name']), BigInt(row['last_commit_time'] as bigint | number)]));
    },
    forget(files) {
      if (files.length === 0) return;
      using catalog = openIfThere(path, false);
      const deletedAt = Date.now();
      catalog?.forget(files.map(({ name }) => name));
      catalog?.records.noteDeletions(files.map(({ name, size }) => ({ name, storedBytes: size, policy, deletedAt })));
    },
  };
}

function openIfThere(path: string, readOnly: boolean): Catalog | undefined {
  try {
    // To write, too, it is only opened where it is: a new one would say that it knows all.
    using _ = Catalog.open(path, { readOnly: true });
  } catch (error) {
    if (error instanceof CatalogError && error.code === 'ERR_CATALOG_MISSING') return undefined;
    throw error;
  }
  return Catalog.open(path, { readOnly });
}
