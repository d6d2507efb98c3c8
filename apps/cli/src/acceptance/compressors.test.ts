import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { plant, Vault } from './vault.test-support.ts';

const name = '000000010000000000000001';
const history = '00000002.history';

/** A PATH with what it takes to start a program as another user, and no compressor. */
async function poorPath(vault: Vault): Promise<string> {
  const directory = join(vault.home, 'poor');
  await mkdir(directory);
  for (const program of ['env', 'setpriv', 'sh', 'bash', 'flock']) {
    const path = (process.env['PATH'] ?? '')
      .split(delimiter)
      .map((each) => join(each, program))
      .find(existsSync);
    if (path !== undefined) await symlink(path, join(directory, program));
  }
  return directory;
}

/** A segment of 1 MiB that holds nothing but its first page's header. */
function segment(): Buffer {
  const bytes = Buffer.alloc(1024 * 1024);
  Buffer.from('18d1020001000000', 'hex').copy(bytes);
  bytes.writeBigUInt64LE(0x100000n, 8);
  bytes.writeBigUInt64LE(0xdeadbeefn, 24);
  bytes.writeUInt32LE(bytes.length, 32);
  bytes.writeUInt32LE(8192, 36);
  return bytes;
}

test('archive-wal says which program is missing before it touches a file, and does without pigz', async () => {
  const section = { conninfo: 'host=127.0.0.1 port=1 user=x', archiver: 'on' };
  await using vault = await Vault.create({ pg: { ...section, compression: 'xz' } });
  const incoming = await plant(vault.path('incoming'), name, segment());
  await plant(vault.path('incoming'), history, '1\t0/2000000\treason\n');
  execFileSync('chmod', ['-R', 'a+rwX', vault.path()]);
  const env = { PATH: await poorPath(vault) };
  expect(await vault.runWith({ env }, 'archive-wal', 'pg')).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      'ERROR: the program xz is needed and cannot be run\nHINT: Install the package xz, or set another compression, such as zstd.\n',
  });
  expect((await readFile(incoming)).equals(segment())).toBe(true);
  await vault.configure({ pg: { ...section, compression: 'pigz' } });
  const { code, stdout, stderr } = await vault.runWith({ env }, 'archive-wal', 'pg');
  expect(code).toBe(0);
  expect(stderr).toContain('WARNING: the program pigz is not installed: gzip files are written without it');
  expect(stdout).toContain(`\t${history}\n`);
});
