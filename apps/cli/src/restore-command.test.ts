import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chownSync, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { restoreCommandLine } from './restore-command.ts';

/** Everything that a shell, PostgreSQL's placeholders or postgresql.conf could trip over. */
const awkward = `a b'c"d$HOME\`e\\f%p%g;h`;
const name = '00000001000000000000002A';

/** What PostgreSQL makes of the line: the string of the setting, then the command with the placeholders filled in (replace_percent_placeholders). */
function commandOf(line: string): string {
  const quoted = /^restore_command = '(.*)'$/.exec(line)?.[1] ?? '';
  const command = quoted.replaceAll(/''|\\(.)/g, (all, escaped: string | undefined) => escaped ?? all[0]!);
  const values: Readonly<Record<string, string>> = { '%%': '%', '%f': name, '%p': 'pg_wal/RECOVERYXLOG' };
  return command.replaceAll(/%[%fp]/g, (placeholder) => values[placeholder] ?? placeholder);
}

/** A data directory, a spool and something in the place of Node.js, all in a directory with an awkward name. */
async function place(script: string): Promise<
  {
    readonly data: string;
    readonly spool: string;
    run(shell?: string): SpawnSyncReturns<string>;
    /** What was called, a word a line. */
    called(): readonly string[] | undefined;
  } & AsyncDisposable
> {
  const home = await mkdtemp(join(tmpdir(), 'walvault-command-'));
  const [data, spool, bin] = ['data', awkward, `bin ${awkward}`].map((directory) => join(home, directory)) as [
    string,
    string,
    string,
  ];
  for (const directory of [join(data, 'pg_wal'), spool, bin]) await mkdir(directory, { recursive: true });
  const node = join(bin, 'node');
  await writeFile(join(bin, 'walvault.js'), '');
  await writeFile(node, `#!/bin/sh\nprintf '%s\\n' "$@" >called\n${script}\n`, { mode: 0o755 });
  const command = commandOf(
    restoreCommandLine({ node, executable: join(bin, 'walvault.js'), args: ['-c', awkward, 'pg'], spool }),
  );
  return {
    data,
    spool,
    run: (shell = 'dash') => spawnSync(shell, ['-c', command], { cwd: data, encoding: 'utf8' }),
    called: () =>
      existsSync(join(data, 'called')) ? readFileSync(join(data, 'called'), 'utf8').trimEnd().split('\n') : undefined,
    [Symbol.asyncDispose]: () => rm(home, { recursive: true }),
  };
}

test('the shell becomes walvault, with every word as it was, where nothing is ready', async () => {
  await using at = await place('exit 0');
  expect(at.run()).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(at.called()).toEqual([expect.stringMatching(/walvault\.js$/), '-c', awkward, 'pg', name, 'pg_wal/RECOVERYXLOG']);
});

test.each(['dash', 'bash'])('%s takes a ready file itself, once', async (shell) => {
  await using at = await place('exit 1');
  await using spool = await open(at.spool, 'r');
  await mkdir(join(at.spool, 'ready-1'));
  await writeFile(join(at.spool, 'ready-1', name), 'wal');
  await writeFile(join(at.spool, 'prefetcher'), `${process.pid}/fd/${spool.fd}/ready-1\n`);
  expect(at.run(shell)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  expect(readFileSync(join(at.data, 'pg_wal/RECOVERYXLOG'), 'utf8')).toBe('wal');
  expect(at.called()).toBeUndefined();
  expect(at.run(shell)).toMatchObject({ status: 1, stdout: '', stderr: '' });
  expect(at.called()).toHaveLength(6);
});

test('a way that leads nowhere, or was not written by this user, is not gone', async () => {
  await using at = await place('exit 1');
  await mkdir(join(at.spool, 'ready-1'));
  await writeFile(join(at.spool, 'ready-1', name), 'wal');
  const way = join(at.spool, 'prefetcher');
  for (const text of ['', '\n', 'nonsense', '999999999/fd/3/ready-1\n', `${process.pid}/fd/0/ready-1\n`]) {
    await writeFile(way, text);
    expect(at.run()).toMatchObject({ status: 1, stderr: '' });
  }
  await using spool = await open(at.spool, 'r');
  await writeFile(way, `${process.pid}/fd/${spool.fd}/ready-1\n`);
  if (process.getuid?.() === 0) {
    chownSync(way, 65_534, 65_534);
    expect(at.run()).toMatchObject({ status: 1 });
    chownSync(way, 0, 0);
  }
  expect(at.run()).toMatchObject({ status: 0 });
});

test.each([
  ['exit 0', 0, null],
  ['exit 1', 1, null],
  ['exit 255', 255, null],
  ['kill -9 $$', null, 'SIGKILL'],
  ['kill -15 $$', null, 'SIGTERM'],
])('how walvault ends is how the shell ends: %s', async (script, status, signal) => {
  await using at = await place(script);
  expect(at.run()).toMatchObject({ status, signal });
});

test('without Node.js the answer is above 125', async () => {
  await using at = await place('exit 0');
  const executable = import.meta.filename;
  const command = commandOf(restoreCommandLine({ node: '/nowhere/node', executable, args: [], spool: undefined }));
  expect(spawnSync('dash', ['-c', command], { cwd: at.data }).status).toBe(127);
  const plain = commandOf(restoreCommandLine({ node: at.data, executable, args: [], spool: at.spool }));
  expect(spawnSync('dash', ['-c', plain], { cwd: at.data }).status).toBe(126);
});

test('without walvault, as while it is upgraded, the answer is 255: Node.js would say 1', async () => {
  await using at = await place('exit 0');
  for (const spool of [undefined, at.spool]) {
    const missing = { node: process.execPath, executable: join(at.data, 'walvault.js'), args: [], spool };
    expect(spawnSync('dash', ['-c', commandOf(restoreCommandLine(missing))], { cwd: at.data }).status).toBe(255);
  }
});

test('a plain line is plain', () => {
  const parts = {
    node: '/usr/bin/node',
    executable: '/opt/walvault/bin/walvault.js',
    args: ['-c', '/etc/walvault.conf', 'restore-wal', 'pg'],
  };
  expect(restoreCommandLine({ ...parts, spool: undefined })).toBe(
    `restore_command = '[ -r /opt/walvault/bin/walvault.js ] || exit 255; exec /usr/bin/node /opt/walvault/bin/walvault.js -c /etc/walvault.conf restore-wal pg "%f" "%p"'`,
  );
  expect(restoreCommandLine({ ...parts, spool: 'pg_wal/.walvault/key' })).toBe(
    "restore_command = '{ [ -O pg_wal/.walvault/key/prefetcher ] && read -r way <pg_wal/.walvault/key/prefetcher && " +
      'mv -f "/proc/$way/%f" "%p"; } 2>/dev/null || { [ -r /opt/walvault/bin/walvault.js ] || exit 255; ' +
      'exec /usr/bin/node /opt/walvault/bin/walvault.js -c /etc/walvault.conf restore-wal pg "%f" "%p"; }\'',
  );
});
