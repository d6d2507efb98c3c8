/** What somebody sees who looks at the page in a real browser while things happen to a real server. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, createStandby, fillSegments, freePort, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { Receiving } from '../receiving.test-support.ts';
import { buildPage, servePage, Viewer } from './browser.test-support.ts';

const pageDirectory = await buildPage();
const views = ['Now', 'Charts', 'Archive', 'Find a point in time', 'Events', 'Checks and clients'];

const backupId = '20260701T120000';

/** A base backup, in the place and with the words of Barman. */
async function backUp(from: Cluster, { fixture }: Receiving): Promise<void> {
  const directory = fixture.path('pg', 'base', backupId);
  await mkdir(directory, { recursive: true });
  const data = join(directory, 'data');
  await from.baseBackup(data);
  const label = await readFile(join(data, 'backup_label'), 'utf8');
  const [, beginLsn, beginWal] = /^START WAL LOCATION: (\S+) \(file (\w+)\)/.exec(label) ?? [];
  const fields = {
    begin_time: '2026-07-01 12:00:00+00:00',
    begin_wal: beginWal,
    begin_xlog: beginLsn,
    end_time: '2026-07-01 12:00:01+00:00',
    end_wal: beginWal,
    end_xlog: await from.currentLsn(),
    mode: 'postgres',
    status: 'DONE',
    systemid: 'None',
    timeline: '1',
    version: '180000',
    xlog_segment_size: String(1024 * 1024),
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(directory, 'backup.info'), lines.join(''));
}

test('a server is safe; when its receiver is gone it is not, and what could be lost grows until it is back', async () => {
  await using all = await Receiving.start(await startCluster({ segmentSizeMb: 1 }));
  await using served = await servePage(all, pageDirectory);
  await using viewer = await Viewer.open(served.address);
  await viewer.sees('The server is safe');
  expect(await viewer.page.title()).toContain('The server is safe');

  await all.endReceiver('SIGKILL');
  await fillSegments(all.pg, 3);
  await viewer.sees('The server is in danger');
  expect(await viewer.page.title()).toMatch(/^✖ /);
  await viewer.page.getByRole('link', { name: 'pg' }).click();
  await viewer.sees(/not connected, [\d.]+ MiB between/);

  await all.startReceiver();
  await viewer.sees('everything that is committed is durable here');
  await expect.poll(async () => viewer.page.locator('.station-received').innerText()).toContain('nothing between');
  await viewer.goTo('Events');
  await viewer.sees('The receiver was killed');
});

test('no view of a server has anything that keeps somebody from using it, by day and by night, wide and narrow', async () => {
  await using all = await Receiving.start(await startCluster({ segmentSizeMb: 1 }));
  await fillSegments(all.pg, 2);
  await all.walvault('archive-wal', 'pg');
  await using served = await servePage(all, pageDirectory);
  await using viewer = await Viewer.open(served.address);
  await viewer.sees('The server is safe');
  expect(await viewer.violations()).toEqual([]);
  for (const width of [1280, 800, 360]) {
    await viewer.page.setViewportSize({ width, height: 800 });
    expect(await viewer.overflow(), `all servers at ${width} pixels`).toBeLessThanOrEqual(0);
  }
  await viewer.page.getByRole('link', { name: 'pg' }).click();
  for (const [index, view] of views.entries()) {
    await viewer.page.emulateMedia({ colorScheme: index % 2 === 0 ? 'dark' : 'light' });
    await viewer.page.setViewportSize({ width: index % 2 === 0 ? 1280 : 360, height: 800 });
    await viewer.goTo(view);
    await viewer.page.locator('.card').first().waitFor();
    expect(await viewer.violations(), view).toEqual([]);
    expect(await viewer.overflow(), view).toBeLessThanOrEqual(0);
  }
});

test('a planted hole and a time line that a promotion made are shown, until it is healed, and what the finder says can be copied', async () => {
  await using primary = await startCluster({ segmentSizeMb: 1 });
  await using all = await Receiving.start(await createStandby(primary), { heal_conninfo: primary.conninfo() });
  await backUp(primary, all);
  await fillSegments(primary, 2);
  await primary.query(`select pg_create_restore_point('before_release')`);
  const [, lost = ''] = await fillSegments(primary, 3);
  await all.pg.waitFor(`select pg_last_wal_replay_lsn() >= '${await primary.currentLsn()}'`);
  await all.pg.promote();
  await all.pg.switchWal();
  await expect.poll(async () => (await all.summary()).timelineId).toBe(2);
  await all.walvault('archive-wal', 'pg');
  await rm(all.fixture.path('pg', 'wals', lost.slice(0, 16), lost));
  await expect
    .poll(async () => all.get('/servers/pg/find-target?name=before_release'))
    .toMatchObject({ reachability: 'reachable', backup: { id: backupId } });

  await using served = await servePage(all, pageDirectory);
  await using viewer = await Viewer.open(served.address, '#/servers/pg/archive', {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await viewer.sees(new RegExp(`1 segment on timeline 1: ${lost}`));
  await expect
    .poll(async () => viewer.page.locator('.tree .tree').innerText())
    .toMatch(/Timeline 2.*being received.*left 1 at 0\//s);
  await viewer.page.getByRole('img', { name: 'Timeline 1: 1 hole, 0 damaged segments' }).waitFor();

  await viewer.goTo('Find a point in time');
  await viewer.page.getByLabel('A named restore point').check();
  await viewer.page.getByRole('combobox', { name: 'Name' }).fill('before_release');
  await viewer.page.getByRole('button', { name: 'Find', exact: true }).click();
  await viewer.sees('A base backup is there, and all WAL from it to this point.');
  const shown = await viewer.page.locator('.settings').innerText();
  expect(shown).toContain("recovery_target_name = 'before_release'");
  expect(await viewer.violations()).toEqual([]);
  await viewer.page.getByRole('button', { name: 'Copy the settings' }).click();
  await viewer.sees('Copied.');
  expect(await viewer.page.evaluate('navigator.clipboard.readText()')).toBe(shown);

  await viewer.goTo('Events');
  await viewer.sees('streaming went on from timeline 1 to 2');
  await all.walvault('heal-wal', 'pg');
  await viewer.page.locator('.event-good', { hasText: 'Healed' }).getByText(lost).waitFor();
  await viewer.goTo('Archive');
  await viewer.page.getByRole('img', { name: 'Timeline 1: 0 holes, 0 damaged segments' }).waitFor();
});

test('a lost connection is said, takes the colour from what may be old, and comes back by itself', async () => {
  await using all = await Receiving.start();
  const first = await servePage(all, pageDirectory, { port: await freePort() });
  await using viewer = await Viewer.open(first.address);
  await viewer.sees('The server is safe');
  await first[Symbol.asyncDispose]();
  await viewer.sees('This is not live.');
  await viewer.sees('Was safe');
  expect(await viewer.page.locator('.verdict-safe').count()).toBe(0);
  expect(await viewer.violations()).toEqual([]);
  await using again = await servePage(all, pageDirectory, { port: first.port });
  await viewer.page.locator('.verdict-safe').waitFor();
  expect(again.app.live.size).toBe(1);
  expect(await viewer.page.getByText('This is not live.').count()).toBe(0);
});

test('everything can be reached and told by the keyboard alone', async () => {
  await using all = await Receiving.start();
  await using served = await servePage(all, pageDirectory);
  await using viewer = await Viewer.open(served.address);
  await viewer.sees('The server is safe');
  const { keyboard } = viewer.page;
  await viewer.page.getByRole('link', { name: 'pg' }).focus();
  await keyboard.press('Enter');
  await viewer.page.getByRole('link', { name: 'Charts' }).focus();
  await keyboard.press('Enter');
  const slider = viewer.page.getByRole('slider', { name: 'Moment of: WAL received' });
  await expect.poll(async () => Number(await slider.getAttribute('aria-valuemax'))).toBeGreaterThan(1);
  await slider.focus();
  await keyboard.press('Home');
  await expect.poll(async () => slider.getAttribute('aria-valuenow')).toBe('0');
  await keyboard.press('ArrowRight');
  await expect.poll(async () => slider.getAttribute('aria-valuenow')).toBe('1');
  expect(await slider.getAttribute('aria-valuetext')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: received /);
});

test('where a token is asked for it is typed in once, until somebody logs out, and the page says when it is no longer good', async () => {
  await using all = await Receiving.start();
  const first = await servePage(all, pageDirectory, { port: await freePort(), token: 'a-token-for-the-first-half' });
  await using viewer = await Viewer.open(first.address);
  const logIn = async (token: string): Promise<void> => {
    await viewer.page.getByLabel('Token').fill(token);
    await viewer.page.getByRole('button', { name: 'Log in' }).click();
  };
  await logIn('a-token-for-the-first-half');
  await viewer.sees('The server is safe');

  await viewer.page.getByRole('button', { name: 'Log out' }).click();
  await viewer.page.waitForURL(`${first.address}login`);
  await viewer.page.goto(first.address);
  expect(await viewer.violations()).toEqual([]);
  await logIn('a token that is none');
  await viewer.sees('The token is wrong.');
  await logIn('a-token-for-the-first-half');
  await viewer.sees('The server is safe');

  await first[Symbol.asyncDispose]();
  await using again = await servePage(all, pageDirectory, { port: first.port, token: 'another-one-for-the-second' });
  await viewer.sees('You are not logged in, or no longer.');
  await viewer.page.getByRole('alert').getByRole('link', { name: 'Log in' }).click();
  expect(viewer.page.url()).toBe(`${again.address}login`);
});
