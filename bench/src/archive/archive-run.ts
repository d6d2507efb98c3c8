/** One program archives a fresh copy of the same streaming directory once; then every segment of the archive is looked at. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { chown, copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pipeline } from 'node:stream/promises';
import { runAsServerUser, serverUser } from '@walvault/testkit';
import { requireProgram } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';
import { firstDifference, type SegmentHashes } from '../receive/segment-hashes.ts';
import { receivingDirectory } from '../receiving-directory.ts';
import { type CommandTime, timedCommand } from '../timed-command.ts';
import type { WalStock } from '../wal-stock.ts';
import { type Archiver, type Codec, decoders } from './archivers.ts';

/** What one run took and made. */
export interface ArchiveRun extends CommandTime {
  /** Bytes of all segments in the archive. */
  readonly storedBytes: number;
}

/** Deleted files of the run before may still be trimmed by the disk behind our back: so long for each segment, and at most. */
const settle = { msPerSegment: 150, mostMs: 1000 };
const walName = /^[0-9A-F]{24}$/;

/**
 * Runs `archive-wal` over a copy of all segments, and checks each byte of what it has archived.
 * @param place where the directories are made; that for temporary files when empty
 * @throws {BenchFailure} when it fails, leaves a segment behind, or archives one that is not the server's
 */
export async function archiveRun(archiver: Archiver, stock: WalStock, place: string): Promise<ArchiveRun> {
  await using home = await receivingDirectory(place);
  await fillStreamingDirectory(join(home.path, 'bench'), stock);
  await using launch = await archiver.prepare(home.path, ['archive-wal', 'bench']);
  await runAsServerUser(['sync', '-f', home.path], { timeoutMs: 600_000 });
  await sleep(Math.min(settle.mostMs, settle.msPerSegment * stock.hashes.size));
  const time = await timedCommand({ name: archiver.name, argv: launch.argv, env: launch.env });
  const paths = await archivedSegments(join(home.path, 'bench/wals'));
  const difference = firstDifference(await decodedHashes(paths, archiver.codec), stock.hashes);
  if (difference !== undefined) throw new BenchFailure(`${archiver.name} did not archive what the server wrote: ${difference}`);
  const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
  return { ...time, storedBytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** The segments, and the one after them as the partial that a receiver is at: none that is complete has to be held back. */
export async function fillStreamingDirectory(serverDirectory: string, stock: WalStock): Promise<void> {
  const streaming = join(serverDirectory, 'streaming');
  await mkdir(streaming, { recursive: true });
  for (const name of stock.hashes.keys()) await copyFile(join(stock.directory, name), join(streaming, name));
  await copyFile(join(stock.directory, stock.partial), join(streaming, `${stock.partial}.partial`));
  const owner = serverUser();
  if (owner === undefined) return;
  for (const path of [serverDirectory, streaming, ...(await readdir(streaming)).map((name) => join(streaming, name))])
    await chown(path, owner.uid, owner.gid);
}

async function archivedSegments(wals: string): Promise<readonly string[]> {
  const entries = await readdir(wals, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && walName.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}

async function decodedHashes(paths: readonly string[], codec: Codec): Promise<SegmentHashes> {
  const hashes = new Map<string, string>();
  for (const path of paths) hashes.set(basename(path), await decodedHash(path, codec));
  return hashes;
}

async function decodedHash(path: string, codec: Codec): Promise<string> {
  const [name, ...options] = decoders[codec];
  const program = requireProgram(name);
  const [command = name, ...words] = program.argv;
  // Through a shell, since the names have no ending that the decoders know.
  const argv = ['-c', 'file=$1; shift; exec "$@" < "$file"', 'sh', path, command, ...words, ...options];
  const child = spawn('sh', argv, { env: { ...process.env, ...program.env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const hash = createHash('sha256');
  await pipeline(child.stdout, hash);
  const [code] = await closed;
  if (code !== 0) throw new BenchFailure(`${name} cannot decode "${path}"`);
  return hash.digest('hex');
}
