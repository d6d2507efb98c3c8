import { chmod, copyFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, fillSegments, ServerStartError, startCluster, startExisting, temporaryDirectory } from '@walvault/testkit';
import { parseWalSegmentSize } from '@walvault/wal';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesBelow, TestServer } from '../../testing.ts';
import { type ArchiveWalOptions, listArchive, openWal } from '../index.ts';

/** One server whose WAL is archived, and a base backup from before it; the tests recover copies of the backup. */
let primary: Cluster;
let server: TestServer;
let segments: string[];
let lastRow: string | undefined;
let facts: Pick<ArchiveWalOptions, 'systemIdentifier' | 'walSegmentSize'>;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  primary = stack.use(await startCluster({ major: 18, segmentSizeMb: 1 }));
  server = stack.use(await TestServer.create());
  await chmod(server.home, 0o755);
  facts = {
    systemIdentifier: BigInt((await primary.value('select system_identifier from pg_control_system()')) ?? 0),
    walSegmentSize: parseWalSegmentSize((await primary.value('show wal_segment_size')) ?? ''),
  };
  await primary.query('create table committed (id int)');
  await primary.baseBackup(join(server.home, 'backup'));
  const before = await primary.value('select pg_walfile_name(pg_current_wal_lsn())');
  await fillSegments(primary, 6);
  await primary.query('insert into committed select generate_series(1, 1000)');
  const last = await primary.switchWal();
  lastRow = await primary.value('select max(id) from committed');
  segments = (await primary.walFiles()).filter((name) => name <= last);
  expect(segments.length).toBeGreaterThan(6);
  expect(before! <= last).toBe(true);
  for (const name of segments) await receive(name);
  await server.archive({ ...facts, compression: { method: 'zstd' }, receivedThrough: last });
});

afterAll(() => stack[Symbol.asyncDispose]());

/** Stands in for the receiver. The server user of the recovering server must be able to read. */
async function receive(name: string): Promise<void> {
  await copyFile(join(primary.walDirectory, name), join(server.streaming, name));
  await chmod(join(server.streaming, name), 0o644);
}

/** A restore_command as the CLI maps it: 0, 1 only for what is provably not there, 255 for everything else. */
async function restoreCommand(): Promise<string> {
  const script = join(server.home, 'restore.mjs');
  await writeFile(
    script,
    `import { restoreWal } from ${JSON.stringify(join(import.meta.dirname, '../index.ts'))};
    const [name, destination] = process.argv.slice(2);
    try {
      const options = { directories: ${JSON.stringify(server.reading.directories)}, systemIdentifier: ${facts.systemIdentifier}n };
      process.exitCode = (await restoreWal(options, name, destination)).kind === 'restored' ? 0 : 1;
    } catch (error) {
      console.error(error.code + ': ' + error.message);
      process.exitCode = 255;
    }`,
  );
  return `"${process.execPath}" --conditions=@walvault/source "${script}" "%f" "%p"`;
}

/** Recovers a copy of the backup: the last row that it has when it is a primary again, or the log when it stops. */
async function recover(): Promise<{ lastRow: string | undefined } | { log: string }> {
  await using home = await temporaryDirectory('recovered');
  const target = join(home.path, 'data');
  await cp(join(server.home, 'backup'), target, { recursive: true, preserveTimestamps: true });
  const settings = { restore_command: await restoreCommand(), recovery_target_timeline: 'latest' };
  try {
    await using recovered = await startExisting(target, { recover: 'recovery', segmentSizeMb: 1, settings });
    const isUp = recovered.waitFor('select not pg_is_in_recovery()').then(() => true);
    const isDown = recovered.exited().then(() => false);
    isUp.catch(() => undefined);
    isDown.catch(() => undefined);
    return (await Promise.race([isUp, isDown]).catch(() => isDown))
      ? { lastRow: await recovered.value('select max(id) from committed') }
      : { log: await recovered.log() };
  } catch (error) {
    if (error instanceof ServerStartError) return { log: error.log };
    throw error;
  }
}

test('gives back every segment byte for byte as the server wrote it', async () => {
  expect(filesBelow(server.streaming)).toEqual([]);
  expect(server.noted().map(([name, , , codec]) => `${name} ${codec}`)).toEqual(segments.map((name) => `${name} zstd`));
  for (const name of segments) {
    await using wal = await openWal({ ...server.reading, ...facts }, name);
    const chunks: Buffer[] = [];
    for await (const chunk of wal?.bytes() ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(await readFile(join(primary.walDirectory, name)))).toBe(true);
  }
  expect((await listArchive({ ...server.reading, ...facts })).timelines[0]).toMatchObject({ count: segments.length, holes: [] });
});

test('a server recovers from the archive up to the last committed row', async () => {
  expect(await recover()).toEqual({ lastRow });
});

test('a server stops at a hole instead of promoting with data missing', async () => {
  const missing = segments.at(-2)!;
  const kept = await readFile(server.archived(missing));
  await rm(server.archived(missing));
  try {
    expect(await recover()).toMatchObject({ log: expect.stringContaining(`ERR_WAL_HOLE: WAL file "${missing}" is missing`) });
  } finally {
    await writeFile(server.archived(missing), kept);
  }
});

test('a server stops at a damaged segment', async () => {
  const damaged = segments.at(-2)!;
  const kept = await readFile(server.archived(damaged));
  await writeFile(server.archived(damaged), kept.subarray(0, kept.length / 2));
  try {
    expect(await recover()).toMatchObject({ log: expect.stringContaining('ERR_WAL_FILE_CORRUPT') });
  } finally {
    await writeFile(server.archived(damaged), kept);
  }
});
