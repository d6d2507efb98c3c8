import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { TestServer } from '../../testing.ts';
import { ReadyFiles } from './ready-files.ts';
import { Spool } from './spool.ts';

interface Place extends AsyncDisposable {
  readonly spool: Spool;
  readonly destination: string;
}

async function place(spoolDirectory?: string): Promise<Place> {
  const server = await TestServer.create();
  await mkdir(join(server.home, 'pg_wal'));
  return {
    spool: await Spool.open(join(spoolDirectory ?? join(server.home, 'pg_wal', '.walvault'), 'key')),
    destination: join(server.home, 'pg_wal', 'RECOVERYXLOG'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const name = '000000010000000000000007';

test('a ready file is moved to where it is wanted, once, and counts as taken', async () => {
  await using at = await place();
  await using ready = await ReadyFiles.publish(at.spool);
  await writeFile(ready.pathOf(name), 'wal');
  ready.add(name, await sourceLike(ready.pathOf(name)));
  expect(await ready.taken()).toEqual([]);
  await writeFile(at.destination, 'of before');
  expect(await at.spool.take(name, at.destination)).toBe(true);
  expect(await readFile(at.destination, 'utf8')).toBe('wal');
  expect(await at.spool.take(name, at.destination)).toBe(false);
  expect(await ready.taken()).toEqual([name]);
  expect(await ready.taken()).toEqual([]);
});

test('from another file system it is copied', async () => {
  const shared = await mkdtemp('/dev/shm/walvault-');
  try {
    await using at = await place(shared);
    await using ready = await ReadyFiles.publish(at.spool);
    await writeFile(ready.pathOf(name), 'wal');
    expect(await at.spool.take(name, at.destination)).toBe(true);
    expect(await readFile(at.destination, 'utf8')).toBe('wal');
    expect(existsSync(ready.pathOf(name))).toBe(false);
    expect(await readdir(dirname(at.destination))).toEqual(['RECOVERYXLOG']);
  } finally {
    await rm(shared, { recursive: true });
  }
});

test('once the prefetcher is killed nothing is handed over, whatever lies there; and the next look removes it', async () => {
  await using at = await place();
  const { directory } = at.spool;
  await killedWhileReady(directory);
  const way = await readFile(Spool.wayFile(directory), 'utf8');
  const ready = (await readdir(directory)).find((entry) => entry.startsWith('ready-'))!;
  expect(await readdir(join(directory, ready))).toEqual([name]);
  for (const garbage of [way, '', 'nonsense\n', '1/fd/3/../../..\n', `${process.pid}/fd/0/${ready}\n`]) {
    await writeFile(Spool.wayFile(directory), garbage);
    expect(await at.spool.take(name, at.destination)).toBe(false);
  }
  expect(await readdir(dirname(at.destination))).toEqual(['.walvault']);
  await at.spool.sweep();
  expect(await readdir(directory)).toEqual(['lock']);
});

/** What lies in a spool whose prefetcher was killed with a file ready. */
async function killedWhileReady(directory: string): Promise<void> {
  const program = `
    import { writeFile } from 'node:fs/promises';
    import { Spool } from ${JSON.stringify(join(import.meta.dirname, 'spool.ts'))};
    import { ReadyFiles } from ${JSON.stringify(join(import.meta.dirname, 'ready-files.ts'))};
    const ready = await ReadyFiles.publish(await Spool.open(${JSON.stringify(directory)}));
    await writeFile(ready.pathOf('${name}'), 'wal');
    console.log('ready');
    setInterval(() => undefined, 1000);`;
  const args = ['--conditions=@walvault/source', '--input-type=module', '--eval', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test.each([
  ['a link', async (path: string, other: string) => symlink(other, path), /is no directory/],
  ['a file', async (path: string) => writeFile(path, ''), /is no directory/],
  ['a directory that others may write to', openDirectory, /can be written to by others/],
])('%s is no spool, nor is there one below it', async (_, make, says) => {
  await using server = await TestServer.create();
  const path = join(server.home, 'spools');
  await make(path, server.wals);
  await expect(Spool.open(join(path, 'key'))).rejects.toThrow(says);
  await make(join(server.incoming, 'key'), server.wals);
  await expect(Spool.open(join(server.incoming, 'key'))).rejects.toMatchObject({ code: 'ERR_SPOOL_UNSAFE' });
});

async function openDirectory(path: string): Promise<void> {
  await mkdir(path);
  chmodSync(path, 0o777);
}

test('none is made where there is nothing to make it in', async () => {
  await using server = await TestServer.create();
  const opened = Spool.open(join(server.home, 'missing', '.walvault', 'key'));
  await expect(opened).rejects.toMatchObject({ code: 'ERR_PATH_MISSING' });
});

async function sourceLike(path: string): Promise<Parameters<ReadyFiles['add']>[1]> {
  return { path, stats: await stat(path, { bigint: true }) };
}
