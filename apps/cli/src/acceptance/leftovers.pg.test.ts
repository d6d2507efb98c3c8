/** What another program, or a full disk, has left in the streaming directory: traps T1 and T2 of pg_receivewal. */
import { copyFile, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { type Cluster, fillSegments, findProgram, startAsServerUser, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { caughtUp, plant, sectionFor, Vault } from './vault.test-support.ts';

const segmentBytes = 1024 * 1024;

/** Lets pg_receivewal compress into the streaming directory until it has some whole segments and a part of the next. */
async function receiveCompressed(pg: Cluster, vault: Vault, method: string): Promise<readonly string[]> {
  const { path, env } = findProgram('pg_receivewal');
  const options = [
    '-S',
    'barman',
    '--synchronous',
    '--no-loop',
    `--compress=${method}`,
    '-d',
    pg.conninfo({ dbname: undefined }),
  ];
  await using program = await startAsServerUser([path, '-D', vault.path('streaming'), ...options], { env });
  const full = await fillSegments(pg, 2);
  await pg.query(`select pg_logical_emit_message(true, 'test', repeat('x', 300000))`);
  await caughtUp(pg);
  expect(await program.kill('SIGINT')).toMatchObject({ code: 0 });
  await pg.waitFor('select not active from pg_replication_slots');
  return full;
}

describe('T1: compressed segments of pg_receivewal', () => {
  test.for(['gzip:1', 'lz4'])(
    '%s: they are named and kept, and we go on from what the slot holds, without a hole',
    async (method) => {
      await using pg = await startCluster({ major: 15, segmentSizeMb: 1 });
      await using vault = await Vault.create({ pg: sectionFor(pg) });
      await vault.succeed('receive-wal', '--create-slot', 'pg');
      await vault.startReceiver();
      await vault.stopReceiver(pg);
      for (const name of vault.names('streaming')) await rm(vault.path('streaming', name));
      await receiveCompressed(pg, vault, method);
      const left = vault.names('streaming');
      const [partial] = left.filter((name) => /\.(gz|lz4)\.partial$/.test(name));
      expect(partial).toBeDefined();
      const bytes = await Promise.all(left.map((name) => readFile(vault.path('streaming', name))));

      await vault.startReceiver();
      for (const name of left)
        expect(await vault.log()).toContain(`"name":"${name}","msg":"foreign file in the streaming directory`);
      const last = await pg.switchWal();
      await expect.poll(() => vault.names('streaming')).toContain(last);
      // The segment that was begun there is received again from its start, as a file of its own.
      expect(await expectSameWal(pg, vault)).toContain(partial!.slice(0, 24));
      for (const [index, name] of left.entries()) {
        expect((await readFile(vault.path('streaming', name))).equals(bytes[index]!), `${name} is as it was`).toBe(true);
      }
      const { stdout } = await vault.run('archive-wal', 'pg');
      for (const name of left) expect(stdout).toContain(`\t${name}\n`);
      const moved = vault.names('errors').filter((name) => !name.endsWith('.reason'));
      expect(moved).toEqual(left.map((name) => expect.stringMatching(new RegExp(`^${name}\\.\\d.*\\.unknown$`))));
    },
  );
});

describe('T2: a partial segment whose size no tool of PostgreSQL takes', () => {
  const stack = new AsyncDisposableStack();
  let pg: Cluster;
  let vault: Vault;
  const partialName = (): string => vault.names('streaming').find((name) => name.endsWith('.partial'))!;

  beforeAll(async () => {
    pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
    vault = stack.use(await Vault.create({ pg: sectionFor(pg) }));
  });

  afterAll(() => stack[Symbol.asyncDispose]());

  /** A receiver that was at work and stopped in the middle of a segment. */
  async function stopInSegment(): Promise<string> {
    await vault.startReceiving();
    await fillSegments(pg, 1);
    await pg.query(`select pg_logical_emit_message(true, 'test', repeat('x', 300000))`);
    await caughtUp(pg);
    await vault.stopReceiver(pg);
    const path = vault.path('streaming', partialName());
    expect((await stat(path)).size).toBe(segmentBytes);
    return path;
  }

  /** The receiver goes on, completes that segment, and all is what the server wrote. */
  async function expectGoesOn(path: string): Promise<void> {
    await vault.startReceiver();
    await pg.switchWal();
    await expect
      .poll(() => vault.names('streaming'))
      .toContain(path.slice(-'000000010000000000000001.partial'.length, -'.partial'.length));
    await expectSameWal(pg, vault);
    await vault.stopReceiver(pg);
  }

  test.for([
    { name: 'cut to 600 kB, in what was received', bytes: 600_000 },
    { name: 'cut inside of what was received', bytes: 100_001 },
    { name: 'empty', bytes: 0 },
    { name: 'one byte short', bytes: segmentBytes - 1 },
  ])('$name: it is filled up and received on', async ({ bytes }) => {
    const path = await stopInSegment();
    await truncate(path, bytes);
    await expectGoesOn(path);
  });

  test('zeros only, as a full disk leaves them while the file is made', async () => {
    const path = await stopInSegment();
    await writeFile(path, Buffer.alloc(610_304));
    await expectGoesOn(path);
  });

  test('larger than a segment: it is refused by name, nothing is touched, and once it is moved away we go on', async () => {
    const path = await stopInSegment();
    await copyFile(path, `${path}.kept`);
    await truncate(path, segmentBytes + 1);
    await rename(`${path}.kept`, vault.path('kept'));
    const { code, stderr } = await vault.run('receive-wal', 'pg');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        new RegExp(
          `^ERROR: ArchiverFailure:WAL segment file "${path}" has 1048577 bytes, should have at most 1048576\nHINT: .+move it.+\n$`,
        ),
      ),
    });
    expect((await stat(path)).size).toBe(segmentBytes + 1);
    await rename(path, vault.path('moved-away'));
    await expectGoesOn(path);
  });

  test('a directory in the place of a segment file is named, and left alone', async () => {
    const path = await stopInSegment();
    await plant(vault.path('streaming', '000000010000000000000077'), 'something', 'else');
    await expectGoesOn(path);
    expect(await vault.log()).toContain('"name":"000000010000000000000077","msg":"foreign file');
  });
});
