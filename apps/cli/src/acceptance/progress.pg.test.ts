/** Long work at a terminal, and elsewhere: bars, lines, colours. */
import { type Cluster, faultProxy, fillSegments, runAsServerUser, startAsServerUser, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atTerminal } from './terminal.test-support.ts';
import { sectionFor, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
const bytesPerSecond = 4 * 1024 ** 2;
let pg: Cluster;
let vault: Vault;

beforeAll(async () => {
  pg = stack.use(await startCluster({ segmentSizeMb: 1 }));
  const proxy = stack.use(await faultProxy({ target: pg }));
  vault = stack.use(
    await Vault.create({ pg: sectionFor(pg, { streaming_conninfo: pg.conninfo({ port: proxy.port, sslmode: 'disable' }) }) }),
  );
  await vault.succeed('receive-wal', '--create-slot', 'pg');
  await fillSegments(pg, 10);
  proxy.throttle(bytesPerSecond);
});

afterAll(() => stack[Symbol.asyncDispose]());

/** The whole way of the user's eyes: what is received, then archived, then verified. */
test('catching up, archiving and verifying show a bar at a terminal, which is gone when they are done', async () => {
  const receiver = await startAsServerUser(atTerminal(vault.argv('receive-wal', '--foreground', 'pg')));
  await receiver.waitForOutput(/Catching up \[#*\.*\] [\d.]+ \w+ of [\d.]+ MiB, [\d.]+ \w+\/s, about \d+ s left/);
  await receiver.waitForOutput(/caught up with the server: [\d.]+ MiB in [\d.]+ s, [\d.]+ MiB\/s/);
  await vault.succeed('receive-wal', '--stop', 'pg');
  expect((await receiver.exited).code).toBe(0);

  const archive = await runAsServerUser(atTerminal(vault.argv('archive-wal', 'pg')));
  expect(archive.code).toBe(0);
  expect(archive.stdout).toMatch(/Archiving WAL of server pg \[\.*\] 0 of 1\d\r\P{L}\[KProcessing xlog segments/u);
  expect(archive.stdout).not.toMatch(/\][^\r]*$/);

  const verify = await runAsServerUser(atTerminal(vault.argv('verify-wal', 'pg')));
  expect(verify.stdout).toMatch(/Verifying the WAL of server pg \[#*\.*\] \d+ of 1\d/);
  const rebuild = await runAsServerUser(atTerminal(vault.argv('rebuild-xlogdb', 'pg')));
  expect(rebuild.stdout).toMatch(/Looking at files \[\.*\] 0 of 1\d\r\P{L}\[K/u);
});

test('nothing is drawn with --quiet, or where there is no terminal', async () => {
  const quiet = await runAsServerUser(atTerminal(vault.argv('-q', 'verify-wal', 'pg')));
  expect(quiet.stdout).toBe('');
  const piped = await vault.run('verify-wal', 'pg');
  expect(`${piped.stdout}${piped.stderr}`).not.toContain('\u001b');
  expect(piped.stderr).toBe('');
});

test('at a terminal an error has its colour and names its page; NO_COLOR and --color have their way', async () => {
  const show = async (...args: readonly string[]): Promise<string> =>
    (
      await runAsServerUser(
        atTerminal([
          'env',
          // Node has no colours for a machine that says it is one that tests, nor for a terminal without a name.
          '-u',
          'CI',
          '-u',
          'NO_COLOR',
          '-u',
          'FORCE_COLOR',
          'TERM=xterm',
          ...args.filter((word) => word.includes('=1')),
          ...vault.argv(...args.filter((word) => !word.includes('=1'))),
        ]),
      )
    ).stdout;
  const rest = `: Unknown server 'nosuch'\r\nHINT: Configured in ${vault.configFile}: pg.\r\nHINT: walvault explain ERR_UNKNOWN_SERVER\r\n`;
  expect(await show('status', 'nosuch')).toBe(`\u001b[31mERROR\u001b[39m${rest}`);
  expect(await show('NO_COLOR=1', 'status', 'nosuch')).toBe(`ERROR${rest}`);
  expect(await show('--color=never', 'status', 'nosuch')).toBe(`ERROR${rest}`);
  expect(await show('NO_COLOR=1', '--colour', 'always', 'status', 'nosuch')).toBe(`\u001b[31mERROR\u001b[39m${rest}`);
});
