import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { findProgram, runAsServerUser } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { passSegments, RecoveredArchive } from './recovered-archive.test-support.ts';

let archive: RecoveredArchive;

beforeAll(async () => {
  // The version of the pg_waldump that there is.
  archive = await RecoveredArchive.create(15, { compression: 'gzip' }, async (pg) => {
    await pg.query('create table rows (id int primary key, text text)');
    await pg.query(`insert into rows select i, repeat('x', 100) from generate_series(1, 5000) i`);
    await pg.query(`select pg_create_restore_point('here')`);
    await pg.query('update rows set id = -id');
    await passSegments(pg, 1);
  });
});

afterAll(() => archive[Symbol.asyncDispose]());

async function showJson(...args: readonly string[]): Promise<Record<string, unknown>> {
  const printed = await archive.vault.succeed('show-wal', 'pg', '--json', ...args);
  return (JSON.parse(printed) as { pg: Record<string, unknown> }).pg;
}

test('counts records as pg_waldump does, line by line', async () => {
  const names = archive.names.slice(0, -1);
  const directory = join(archive.vault.home, 'plain');
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o755);
  for (const name of names) await writeFile(join(directory, name), gunzipSync(await readFile(archive.pathOf(name))));
  const { path, env } = findProgram('pg_waldump');
  for (const option of ['--stats', '--stats=record']) {
    const { stdout } = await runAsServerUser([path, option, '--path', directory, names[0]!, names.at(-1)!], { env });
    expect(await archive.vault.succeed('show-wal', 'pg', option)).toBe(stdout);
  }
});

test('tells sizes, days and verdicts as numbers', async () => {
  const segments = archive.names.length - 1;
  expect(await showJson()).toMatchObject({
    wal_segment_size: 1024 * 1024,
    timelines: [
      {
        timeline: 1,
        parent: null,
        segments,
        waiting: 1,
        holes: [],
        known: { segments, wal_bytes: segments * 1024 * 1024, good: segments, bad: 0, linked: segments - 1, unlinked: 0 },
      },
    ],
    catalog: {
      days: [{ day: expect.stringMatching(/^\d{4}-\d{2}-\d{2}$/), segments }],
      compressions: [{ compression: 'gzip', segments }],
      restore_points: 1,
      last_verify: null,
      unknown_segments: 0,
      gone_segments: 0,
    },
    catalog_error: null,
  });
});

test('shows one segment, also when the catalogue does not know it', async () => {
  const [, name] = archive.names as [string, string];
  const known = await showJson('--segment', name);
  expect(known).toMatchObject({ name, timeline: 1, verdict: 'good', link: 'proven', compression: 'gzip', in_catalog: true });
  const path = archive.vault.path('walvault.sqlite');
  await rename(path, `${path}.away`);
  try {
    const read = await showJson('--segment', name);
    // Where a segment is read alone, what it continues is not known.
    expect(read).toMatchObject({
      sha256: known['sha256'],
      verdict: 'good',
      link: 'unknown',
      in_catalog: false,
      archived_at: null,
    });
    expect(await showJson()).toMatchObject({ catalog: null, catalog_error: { code: 'ERR_CATALOG_MISSING' } });
    const { code, stderr } = await archive.vault.run('show-wal', 'pg', '--stats');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/is not there\nHINT: Run rebuild-catalog/)]);
  } finally {
    await rename(`${path}.away`, path);
  }
  expect(await archive.vault.run('show-wal', 'pg', '--segment', '0000000100000000000000FF')).toMatchObject({ code: 1 });
  expect(await archive.vault.run('show-wal', 'pg', '--segment', 'xlog.db')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('xlog.db'),
  });
});

test('names holes, and what is in the catalogue and not in the archive', async () => {
  const missing = archive.names.at(-3)!;
  const path = archive.pathOf(missing);
  await rename(path, `${path}.away`);
  try {
    const printed = await archive.vault.succeed('show-wal', 'pg');
    expect(printed).toContain(`missing: ${missing}`);
    expect(printed).toContain('In the catalogue and not in the archive: 1 segments');
  } finally {
    await rename(`${path}.away`, path);
  }
});

test('a rebuilt catalogue says the same, and what cannot be read is told with exit code 1', async () => {
  const before = await showJson();
  const names = archive.names.slice(0, -1);
  expect(await archive.vault.succeed('rebuild-catalog', 'pg')).toBe(
    `Rebuilding the catalogue of server pg\nDone: ${names.length} segments are in the catalogue of server pg\n`,
  );
  expect(await showJson()).toEqual(before);
  const path = archive.pathOf(names.at(-1)!);
  const content = await readFile(path);
  await writeFile(path, content.subarray(0, content.length / 2));
  try {
    const { code, stdout, stderr } = await archive.vault.run('rebuild-catalog', 'pg');
    expect([code, stdout]).toEqual([1, expect.stringContaining(`Done: ${names.length - 1} segments`)]);
    expect(stderr).toMatch(new RegExp(`^ERROR: WAL file ".*${names.at(-1)}" .*\nHINT: .*\nHINT: Run verify-wal pg `));
  } finally {
    await writeFile(path, content);
  }
  expect((await archive.vault.run('-f', 'json', 'rebuild-catalog', 'pg')).stdout).toContain(`"segments":${names.length}`);
});
