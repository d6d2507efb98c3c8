import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@walvault/wal';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HookFile, type HookOptions, runPostScripts, runPreScripts } from '../index.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'walvault-hooks-'));
});
afterAll(() => rm(directory, { recursive: true }));

const file: HookFile = {
  serverName: 'pg',
  configFile: '/etc/walvault.conf',
  name: '000000010000000000000001',
  path: "/srv/it's here/000000010000000000000001",
  size: 16_777_216,
  timestamp: 1_795_364_256.681_037_7,
  compression: undefined,
};

function recorder(): { readonly lines: string[]; readonly log: Logger } {
  const lines: string[] = [];
  const note =
    (level: string) =>
    (_fields: unknown, message: string): void =>
      void lines.push(`${level}: ${message}`);
  return { lines, log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') } };
}

/** Options whose pauses are only noted. */
function patient(more: Partial<HookOptions> = {}): { readonly options: HookOptions; readonly pauses: number[] } {
  const pauses: number[] = [];
  return { pauses, options: { subject: 'archive', pause: async (ms) => void pauses.push(ms), ...more } };
}

function scratch(name: string): string {
  return join(directory, name);
}

test('hooks get the variables of Barman, and those before run before the retry ones, those after the other way round', async () => {
  const path = scratch('environment');
  const note = `env | grep ^BARMAN_ | sort >> ${path}; echo -- >> ${path}`;
  const scripts = { pre: note, preRetry: note, postRetry: note, post: note };
  expect(await runPreScripts(scripts, file, { subject: 'archive' })).toBe('go');
  const archived = { ...file, size: 4711, timestamp: 1_795_364_256, compression: 'gzip', error: 'disk full' };
  await runPostScripts(scripts, archived, { subject: 'wal_delete' });
  const runs = (await readFile(path, 'utf8')).split('--\n').map((text) => text.trimEnd().split('\n'));
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  expect(runs[0]).toEqual([
    'BARMAN_COMPRESSION=',
    'BARMAN_CONFIGURATION=/etc/walvault.conf',
    'BARMAN_ERROR=',
    "BARMAN_FILE=/srv/it's here/000000010000000000000001",
    'BARMAN_HOOK=archive_script',
    'BARMAN_PHASE=pre',
    'BARMAN_RETRY=0',
    'BARMAN_SEGMENT=000000010000000000000001',
    'BARMAN_SERVER=pg',
    'BARMAN_SIZE=16777216',
    'BARMAN_TIMESTAMP=1795364256.6810377',
    `BARMAN_VERSION=${version}`,
  ]);
  expect(runs[1]).toEqual(expect.arrayContaining(['BARMAN_HOOK=archive_retry_script', 'BARMAN_PHASE=pre', 'BARMAN_RETRY=1']));
  expect(runs[2]).toEqual(
    expect.arrayContaining([
      'BARMAN_HOOK=wal_delete_retry_script',
      'BARMAN_PHASE=post',
      'BARMAN_RETRY=1',
      'BARMAN_ERROR=disk full',
      'BARMAN_COMPRESSION=gzip',
      'BARMAN_SIZE=4711',
      'BARMAN_TIMESTAMP=1795364256.0',
    ]),
  );
  expect(runs[3]).toEqual(expect.arrayContaining(['BARMAN_HOOK=wal_delete_script', 'BARMAN_PHASE=post', 'BARMAN_RETRY=0']));
});

test('a plain script that fails is logged, and its output too', async () => {
  const { lines, log } = recorder();
  const scripts = { pre: 'echo one; echo; printf two; echo oops >&2; exit 3', post: 'no-such-program-at-all' };
  expect(await runPreScripts(scripts, file, { subject: 'archive', log })).toBe('go');
  await runPostScripts(scripts, file, { subject: 'archive', log });
  expect(lines).toEqual(
    expect.arrayContaining([
      'debug: one',
      'debug: two',
      'warn: oops',
      'warn: pre_archive_script ended with exit code 3',
      'warn: post_archive_script ended with exit code 127',
    ]),
  );
});

test('a retry script is run until it succeeds: pauses of 3 s, and of a minute after each fifth failure', async () => {
  const path = scratch('count');
  const { options, pauses } = patient();
  const preRetry = `echo >> ${path}; test $(wc -l < ${path}) -ge 12`;
  expect(await runPreScripts({ preRetry }, file, options)).toBe('go');
  expect(pauses).toEqual([3000, 3000, 3000, 3000, 60_000, 3000, 3000, 3000, 3000, 60_000, 3000]);
});

test('62 goes on, 63 stops what has not begun and is ignored afterwards', async () => {
  const { lines, log } = recorder();
  const { options, pauses } = patient({ log });
  expect(await runPreScripts({ preRetry: 'exit 62' }, file, options)).toBe('go');
  expect(await runPreScripts({ preRetry: 'exit 63', pre: 'exit 63' }, file, options)).toBe('stop');
  expect(await runPreScripts({ pre: 'exit 63' }, file, options)).toBe('go');
  await runPostScripts({ postRetry: 'exit 63', post: `touch ${scratch('ran')}` }, file, options);
  expect(pauses).toEqual([]);
  expect(existsSync(scratch('ran'))).toBe(true);
  expect(lines).toContain('warn: Archiving of pg/000000010000000000000001 aborted by pre_archive_retry_script');
  expect(lines.some((line) => line.includes('post_archive_retry_script asks to stop'))).toBe(true);
});

test('what takes too long is ended with all that it started, has failed, and is run again where that is wanted', async () => {
  const { lines, log } = recorder();
  const { options, pauses } = patient({ log, timeoutMs: 1500, graceMs: 200 });
  const [first, child] = [scratch('first'), scratch('child')];
  // The shell and its child ignore SIGTERM; both are in the way of the pipe.
  const hangs = `trap '' TERM; sh -c 'echo $$ > ${child}; sleep 600; sleep 600' & wait; sleep 600`;
  const preRetry = `test -e ${first} && exit 0; touch ${first}; ${hangs}`;
  expect(await runPreScripts({ preRetry }, file, options)).toBe('go');
  expect(pauses).toEqual([3000]);
  expect(lines).toContain('warn: pre_archive_retry_script did not end within 1.5 s and was stopped');
  expect(await isGone(Number(await readFile(child, 'utf8')))).toBe(true);
});

test('a stop ends a script that hangs, and a pause', async () => {
  const stop = new AbortController();
  const pid = scratch('pid');
  const hanging = runPreScripts({ pre: `echo $$ > ${pid}; sleep 600` }, file, { subject: 'archive', signal: stop.signal });
  while (!existsSync(pid) || readFileSync(pid, 'utf8') === '') await sleep(5);
  stop.abort(new Error('the end'));
  await expect(hanging).rejects.toThrow('the end');
  expect(await isGone(Number(readFileSync(pid, 'utf8')))).toBe(true);

  const again = new AbortController();
  const log = { ...recorder().log, warn: () => again.abort(new Error('enough')) };
  const pausing = runPostScripts({ postRetry: 'exit 1' }, file, { subject: 'archive', signal: again.signal, log });
  await expect(pausing).rejects.toThrow('enough');
});

test('output without end and lines without end neither fill the memory nor the log', async () => {
  const { lines, log } = recorder();
  const pre = 'yes | head -n 300000; head -c 30000000 /dev/zero | tr "\\0" x >&2';
  await runPreScripts({ pre }, file, { subject: 'archive', log });
  const [debug, warn] = ['debug: ', 'warn: '].map((level) => lines.filter((line) => line.startsWith(level)));
  expect(debug).toHaveLength(1002);
  expect(debug?.at(-1)).toBe('debug: (more than 1000 lines; what follows is left out)');
  expect(warn).toHaveLength(1001);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(4200);
});

test('what a script leaves running keeps nobody waiting', async () => {
  const pid = scratch('left');
  await runPreScripts({ pre: `sleep 600 & echo $! > ${pid}` }, file, { subject: 'archive' });
  process.kill(Number(await readFile(pid, 'utf8')), 'SIGKILL');
});

test('a script that cannot be started has failed', async () => {
  const { lines, log } = recorder();
  await runPostScripts({ post: `true # ${'x'.repeat(5_000_000)}` }, file, { subject: 'archive', log });
  expect(lines.some((line) => line.startsWith('warn: post_archive_script could not be started: '))).toBe(true);
});

/** A killed process is gone when its parent, or init, has taken notice. */
async function isGone(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 4000; attempt += 1) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (stat === undefined || /^\d+ \(.*\) Z/.test(stat)) return true;
    await sleep(5);
  }
  return false;
}
