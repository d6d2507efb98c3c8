/** What `run` does beside receiving and archiving, with a real server: deletion by the policy, verification, healing. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, fillSegments, type RunningProgram, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plant, sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;
let run: RunningProgram;
let names: readonly string[];

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1, settings: { wal_keep_size: '64MB' } }));
  vault = stack.use(await Vault.create({ pg: sectionFor(pg, { create_slot: 'auto' }) }, { verify_budget: '0' }));
  run = stack.use(await vault.start('run'));
});

afterAll(() => stack[Symbol.asyncDispose]());

function directory(): string {
  return vault.path('wals', names[0]!.slice(0, 16));
}

/** Segments in the archive. */
function archived(): readonly string[] {
  return existsSync(directory()) ? readdirSync(directory()).filter((name) => /^[0-9A-F]{24}$/.test(name)) : [];
}

/** Gives `run` the same servers with other options of all; what is due then is begun at once. */
async function reload(globals: Record<string, string>): Promise<void> {
  await vault.configure({ pg: sectionFor(pg, { create_slot: 'auto' }) }, globals);
  process.kill(run.pid, 'SIGHUP');
}

/** What `check` says of the last verification. */
async function verdict(): Promise<string | undefined> {
  const { stdout } = await vault.run('check', 'pg');
  return /WAL verification: (.*)/.exec(stdout)?.[1];
}

test('deletes what the retention policy lets go, and no more', async () => {
  await expect.poll(() => vault.state().catch(() => undefined), { timeout: 20_000 }).toMatchObject({ phase: 'streaming' });
  names = await fillSegments(pg, 8);
  await expect.poll(() => archived()).toEqual(expect.arrayContaining([...names]));
  const [, , first] = names;
  const info = {
    status: 'DONE',
    timeline: 1,
    begin_wal: first,
    begin_xlog: startOf(first!),
    end_wal: first,
    end_xlog: startOf(first!),
  };
  const lines = Object.entries({ ...info, xlog_segment_size: 1_048_576 }).map(([key, value]) => `${key}=${value}\n`);
  await plant(vault.path('base', '20261101T000000'), 'backup.info', lines.join(''));
  await reload({ verify_budget: '0' });
  await expect.poll(() => archived()).not.toContain(names[1]);
  expect(archived().toSorted()[0]).toBe(first);
  expect(archived()).toEqual(expect.arrayContaining(names.slice(2)));
});

test('finds a flipped bit and a missing segment, tells it, and heals both from the server', async () => {
  const [, , , missing = '', flipped = ''] = names;
  await rename(join(directory(), missing), join(vault.home, missing));
  const content = await readFile(join(directory(), flipped));
  content[300_000] = content[300_000]! ^ 1;
  await writeFile(join(directory(), flipped), content);
  await reload({ verify_budget: '1GB' });
  await expect.poll(verdict).toMatch(/^FAILED \(bad .*, 1 bad, 0 unknown, 1 missing/);
  for (const name of [missing, flipped]) {
    const written = await readFile(join(pg.walDirectory, name));
    const isSame = async (): Promise<boolean> =>
      readFile(join(directory(), name)).then(
        (bytes) => bytes.equals(written),
        () => false,
      );
    await expect.poll(isSame).toBe(true);
  }
});

test('what was healed is verified again, so that it does not stay a failure until the next time', async () => {
  await expect.poll(() => run.stderr).toContain('healing is done');
  await reload({ verify_budget: '1GB' });
  await expect.poll(verdict).toMatch(/^OK \(good .*, 0 bad, 0 unknown, 0 missing/);
});

/** Where a segment of 1 MiB on timeline 1 begins. */
function startOf(name: string): string {
  const number = Number.parseInt(name.slice(16), 16) * 0x100000 + 0x28;
  return `${Number.parseInt(name.slice(8, 16), 16).toString(16)}/${number.toString(16)}`;
}
