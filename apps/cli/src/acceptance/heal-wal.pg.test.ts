/** `heal-wal` with real servers: what is missing or bad in the archive is streamed again, from wherever it still is. */
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Cluster, createStandby, fillSegments, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import {
  dropAndRecreateSlot,
  forgetfulCluster,
  forgetWal,
  holesOf,
  keptAside,
  partialSegment,
  stoppedVault,
} from './holes.test-support.ts';
import { caughtUp, plant, type Section, sectionFor, Vault } from './vault.test-support.ts';

/** Receives `count` segments and archives them; their names. */
async function archived(pg: Cluster, vault: Vault, count: number): Promise<readonly string[]> {
  await vault.startReceiving();
  const names = await fillSegments(pg, count);
  await caughtUp(pg);
  await expect.poll(() => vault.names('streaming')).toContain(names.at(-1));
  await vault.succeed('archive-wal', 'pg');
  return names;
}

function pathOf(vault: Vault, name: string): string {
  return vault.path('wals', name.slice(0, 16), name);
}

/** What the archive gives for a segment. */
async function given(vault: Vault, name: string): Promise<Buffer> {
  const directory = join(vault.home, 'given');
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o777);
  await vault.succeed('get-wal', '-o', directory, 'pg', name);
  return readFile(join(directory, name));
}

test('a missing and a damaged segment are streamed again from the server, the damaged one is kept aside', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1, settings: { wal_keep_size: '64MB' } });
  await using vault = await Vault.create({ pg: sectionFor(pg, { compression: 'gzip' }) });
  const names = await archived(pg, vault, 6);
  const [, missing = '', bad = '', alsoMissing = ''] = names;
  expect(await vault.succeed('heal-wal', 'pg')).toContain('no damage found');

  for (const name of [missing, alsoMissing]) await rm(pathOf(vault, name));
  const content = await readFile(join(pg.walDirectory, bad));
  content[300_000] = content[300_000]! ^ 1;
  await writeFile(pathOf(vault, bad), content);

  const dry = await vault.run('heal-wal', '--dry-run', 'pg', bad);
  expect(dry.stdout).toContain(`\t${missing}: missing; there on host=`);
  expect(dry).toMatchObject({ code: 0 });
  expect(await readFile(pathOf(vault, bad))).toEqual(content);

  // As a check that found it bad leaves it on record.
  {
    using catalog = new DatabaseSync(vault.path('walvault.sqlite'));
    catalog.prepare(`INSERT INTO segment_check VALUES (?, NULL, 1795364256000, 'bad', 'a record')`).run(bad);
  }
  const healed = JSON.parse(await vault.succeed('-f', 'json', 'heal-wal', 'pg')) as {
    pg: { healed: { name: string; kind: string; linked: boolean; moved_to: string | null }[] };
  };
  expect(healed.pg.healed).toMatchObject([
    { name: missing, kind: 'missing', moved_to: null },
    { name: bad, kind: 'bad', moved_to: expect.stringContaining(`/errors/${bad}.`) as string },
    { name: alsoMissing, kind: 'missing', linked: true },
  ]);
  for (const name of [missing, bad, alsoMissing])
    expect((await given(vault, name)).equals(await readFile(join(pg.walDirectory, name)))).toBe(true);
  const [aside = '', reason = ''] = vault.names('errors');
  expect(await readFile(vault.path('errors', aside))).toEqual(content);
  expect(await readFile(vault.path('errors', reason), 'utf8')).toMatch(/^replaced by heal-wal: record at /);
  expect(await readdir(vault.path('healing'))).toEqual([]);
  expect(await readFile(vault.path('wals', 'xlog.db'), 'utf8')).toContain(`${missing}\t`);
  using catalog = new DatabaseSync(vault.path('walvault.sqlite'), { readOnly: true });
  const heals = catalog.prepare('SELECT name, reason, moved_to FROM heal ORDER BY id').all();
  expect(heals).toMatchObject([{ name: missing }, { name: bad, moved_to: vault.path('errors', aside) }, { name: alsoMissing }]);
  expect(await vault.succeed('heal-wal', 'pg', bad)).toContain('no damage found');
});

test('WAL of the old timeline is had from the server that was promoted, and fits to what that went on with', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using standby = await createStandby(pg, { settings: { wal_keep_size: '64MB' } });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  const old = await archived(pg, vault, 4);
  await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${await pg.currentLsn()}'`);
  await vault.stopReceiver(pg);
  await standby.promote();
  await vault.configure({ pg: sectionFor(standby) });
  const young = await archived(standby, vault, 3);
  const lost = [old[1]!, old[2]!, young[0]!];
  for (const name of lost) await rm(pathOf(vault, name));

  const output = await vault.succeed('heal-wal', 'pg');
  for (const name of lost) {
    expect(output).toContain(`\t${name}: missing; streamed again from host=`);
    expect((await readFile(pathOf(vault, name))).equals(await readFile(join(standby.walDirectory, name)))).toBe(true);
  }

  // The last whole segment of the old timeline is followed by the first one of the new timeline only.
  const last = old.at(-1)!;
  await rm(pathOf(vault, last));
  const healed: unknown = JSON.parse(await vault.succeed('-f', 'json', 'heal-wal', 'pg'));
  expect(healed).toMatchObject({ pg: { healed: [{ name: last, linked: true }] } });

  // What such a segment is held against: PostgreSQL begins a timeline with a copy of what its parent had.
  await fillSegments(pg, 1);
  const history = await readFile(vault.path('wals', '00000002.history'), 'utf8');
  const [log = 0, place = 0] = history
    .split('\t')[1]!
    .split('/')
    .map((digits) => Number.parseInt(digits, 16));
  const length = place % (1024 * 1024);
  const left = [log, Math.floor(place / (1024 * 1024))].map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('');
  const [parent, child] = await Promise.all([
    readFile(join(pg.walDirectory, `00000001${left}`)),
    readFile(join(standby.walDirectory, `00000002${left}`)),
  ]);
  expect(child.subarray(0, length).equals(parent.subarray(0, length))).toBe(true);
});

test('a hole on record is healed from a standby, and by no server of another cluster', async () => {
  await using pg = await forgetfulCluster();
  const restore = { restore_command: `cp ${keptAside(pg)}/%f %p` };
  await using standby = await createStandby(pg, { settings: { wal_keep_size: '256MB', ...restore } });
  await standby.stop();
  await using other = await startCluster({ segmentSizeMb: 1 });
  const further: Section = { gap_policy: 'continue', heal_conninfo: standby.conninfo() };
  await using vault = await stoppedVault(pg, further);
  const first = partialSegment(vault);
  await vault.succeed('archive-wal', 'pg');
  await dropAndRecreateSlot(pg, vault);
  await vault.startReceiver();
  await fillSegments(pg, 2);
  await caughtUp(pg);
  await vault.succeed('archive-wal', 'pg');
  const [hole] = await holesOf(vault);
  expect(hole).toMatchObject({ resolvedBy: 'continued' });
  await standby.start();
  await standby.waitFor(`select pg_last_wal_replay_lsn() >= '${hole!.toLsn}'`);

  const foreign = await vault.run('heal-wal', '--from', other.conninfo(), 'pg');
  expect(foreign.code).toBe(2);
  expect(foreign.stderr).toMatch(/the server has system identifier \d+, but ".*identity.json" belongs to cluster \d+/);
  expect(foreign.stderr).toContain(`${first} (missing) cannot be healed`);

  // Until somebody says that it is known, check warns of it. It can be healed all the same.
  const ofHoles = async (): Promise<string> => /holes: .*/.exec((await vault.run('check', 'pg')).stdout)?.[0] ?? '';
  expect(await ofHoles()).toMatch(/^holes: WARNING .*walvault heal-wal --accept-holes pg\)$/);
  expect(await vault.succeed('heal-wal', '--accept-holes', 'pg')).toBe(
    `Accepting holes of server pg\n\tfrom ${hole!.fromLsn} on timeline 1 to ${hole!.toLsn}: no recovery goes past it\n`,
  );
  expect(await vault.succeed('heal-wal', '--accept-holes', 'pg')).toContain('none that was not accepted');
  expect(await ofHoles()).toMatch(/^holes: OK \(.* where a hole was accepted/);
  expect(await holesOf(vault)).toMatchObject([{ fromLsn: hole!.fromLsn, resolvedBy: 'reset' }]);

  const output = await vault.succeed('heal-wal', 'pg');
  expect(output).toContain(`\t${first}: missing; streamed again from host=127.0.0.1 port=${standby.port}`);
  expect(output).toContain(`\tthe hole from ${hole!.fromLsn} to ${hole!.toLsn} on record is healed`);
  expect((await readFile(pathOf(vault, first))).equals(await readFile(join(keptAside(pg), first)))).toBe(true);
  expect(await holesOf(vault)).toMatchObject([{ ...hole, resolvedBy: 'healed', resolvedAt: expect.any(String) as string }]);
  // The receiver goes on, and does not put back what it had in mind.
  await vault.stopReceiver(pg);
  expect(await holesOf(vault)).toMatchObject([{ resolvedBy: 'healed' }]);
  expect(await vault.succeed('heal-wal', 'pg')).toContain('no damage found');
});

test('what the server has removed is named, and what it still has is healed', async () => {
  await using pg = await forgetfulCluster();
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  const names = await archived(pg, vault, 4);
  const gone = names[1]!;
  await forgetWal(pg, names.at(-1)!);
  await caughtUp(pg);
  await vault.succeed('archive-wal', 'pg');
  await vault.stopReceiver(pg);
  const left = (await pg.walFiles()).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const there = [...vault.segments().keys()].filter((name) => left.includes(name)).slice(0, -1);
  for (const name of [gone, ...there.slice(0, 1)]) await rm(pathOf(vault, name));

  const { code, stdout, stderr } = await vault.run('heal-wal', 'pg');
  expect(code).toBe(2);
  expect(stderr).toMatch(new RegExp(`ERROR: ${gone} \\(missing\\) cannot be healed: host=.* has removed it`));
  for (const name of there.slice(0, 1)) expect(stdout).toContain(`\t${name}: missing; streamed again`);
});

test('what a run that was killed had streamed is put into place by the next one', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1, settings: { wal_keep_size: '64MB' } });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  const names = await archived(pg, vault, 4);
  await vault.stopReceiver(pg);
  const [, missing = '', next = ''] = names;
  await vault.succeed('heal-wal', 'pg');
  for (const name of [missing, next]) await rm(pathOf(vault, name));
  const content = await readFile(join(pg.walDirectory, missing));
  await plant(vault.path('healing'), missing, content);
  // A segment of another place, and a piece.
  await plant(vault.path('healing'), next, content);
  await plant(vault.path('healing'), `${next}.tmp`, 'x');
  await pg.stop();

  // The bad copy of the last segment was set aside, and then the run was killed: nothing behind it says that it is missing.
  const last = names.at(-1)!;
  const lastContent = await readFile(join(pg.walDirectory, last));
  await rm(pathOf(vault, last));
  await plant(vault.path('healing'), last, lastContent);

  const { code, stdout, stderr } = await vault.run('heal-wal', 'pg');
  expect(code).toBe(2);
  expect(stdout).toContain(`\t${missing}: missing; streamed again from an earlier run`);
  expect((await readFile(pathOf(vault, last))).equals(lastContent)).toBe(true);
  expect(stderr).toContain(`${next} (missing) cannot be healed: an earlier run sent a segment that is not taken`);
  expect((await readFile(pathOf(vault, missing))).equals(content)).toBe(true);
  expect(await readdir(vault.path('healing'))).toEqual([]);
});
