import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram, runAsServerUser, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { localSsh } from './barman.test-support.ts';
import { Vault } from './vault.test-support.ts';

const section = { conninfo: 'host=127.0.0.1 port=1 user=x', archiver: 'on' };

/** A script that runs walvault with the configuration of the vault, under some name. */
async function walvaultAs(name: string, vault: Vault): Promise<string> {
  const path = join(vault.home, 'programs', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(
    path,
    `#!/bin/sh\nexec ${vault
      .argv()
      .map((word) => `'${word}'`)
      .join(' ')} "$@"\n`,
  );
  await chmod(path, 0o755);
  return path;
}

test("an archive_command pipes each segment into put-wal, and archive-wal takes it: byte for byte the server's own", async () => {
  await using vault = await Vault.create({ pg: section });
  const walvault = await walvaultAs('walvault', vault);
  const script = join(vault.home, 'archive.sh');
  await writeFile(
    script,
    `set -e
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -p "$1" "$work/"
cd "$work"
sha256sum * > SHA256SUMS
tar -cf - * | '${walvault}' put-wal pg
`,
  );
  const settings = { archive_mode: 'on', archive_command: `bash ${script} %p`, wal_keep_size: '1GB' };
  await using pg = await startCluster({ settings });
  const names: string[] = [];
  for (let round = 0; round < 3; round++) {
    await pg.query(`create table t${round} as select generate_series(1, 1000) as n`);
    names.push(await pg.switchWal());
  }
  await pg.waitFor(`select last_archived_wal >= '${names.at(-1)}' and failed_count = 0 from pg_stat_archiver`);
  const said = await vault.succeed('archive-wal', 'pg');
  for (const name of names) {
    expect(said).toContain(`\t${name}\n`);
    const archived = await readFile(vault.path('wals', name.slice(0, 16), name));
    expect(archived.equals(await readFile(join(pg.dataDirectory, 'pg_wal', name)))).toBe(true);
  }
  expect(await readdir(vault.path('incoming'))).toEqual([]);
});

test("Barman's own client, barman-wal-archive, works with put-wal, and says what is wrong when it is refused", async () => {
  await using vault = await Vault.create({ pg: section });
  await using pg = await startCluster();
  await walvaultAs('barman', vault);
  const programs = join(vault.home, 'programs');
  const ssh = await localSsh(programs, programs);
  expect(dirname(ssh)).toBe(programs);
  await pg.query('create table t as select 1');
  const name = await pg.switchWal();
  const wal = join(pg.dataDirectory, 'pg_wal', name);
  const client = findProgram('barman-wal-archive');
  const send = (path: string, server = 'pg') =>
    runAsServerUser([...client.argv, 'localhost', server, path], {
      env: { ...client.env, PATH: `${programs}:${process.env['PATH']}` },
    });
  expect(await send(wal)).toMatchObject({ code: 0 });
  expect((await readFile(vault.path('incoming', name))).equals(await readFile(wal))).toBe(true);
  // Once more is no error: a client that was killed sends again.
  expect(await send(wal)).toMatchObject({ code: 0 });
  const other = join(vault.home, 'other.txt');
  await symlink(wal, other);
  const { code, stderr } = await send(other);
  expect(code).toBe(1);
  expect(stderr).toContain(`ERROR: Unsupported file type '2' for file 'other.txt' in put-wal for server 'pg'`);
  expect(stderr).toContain("ERROR: Remote 'barman put-wal' command has failed!");
  expect(await readdir(vault.path('incoming'))).toEqual([name]);
  const { code: unknown, stderr: said } = await send(wal, 'nobody');
  expect(unknown).not.toBe(0);
  expect(said).toContain("ERROR: Unknown server 'nobody'");
});

test('put-wal --test says whether the server takes files; one that is not archived is told', async () => {
  await using vault = await Vault.create({
    pg: section,
    idle: { ...section, active: 'off' },
    streamed: { conninfo: section.conninfo, streaming_archiver: 'on', slot_name: 'barman' },
  });
  expect(await vault.run('put-wal', '--test', 'pg')).toEqual(
    expect.objectContaining({ code: 0, stdout: 'Ready to accept WAL files for the server pg\n', stderr: '' }),
  );
  expect(await vault.run('put-wal', '-t', 'idle')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('ERROR: Inactive server: idle\n'),
  });
  expect(await vault.run('put-wal', '-t', 'streamed')).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('archiver is off for server streamed'),
  });
});

test('put-wal that is given nothing, or something else, ends with 1 and says what is wanted', async () => {
  await using vault = await Vault.create({ pg: section });
  const env = { SSH_CONNECTION: '192.0.2.7 51000 192.0.2.1 22' };
  for (const input of ['', 'no tar archive'.repeat(100)]) {
    const { code, stderr } = await vault.runWith({ input, env }, 'put-wal', 'pg');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ERROR: what came in .+ \(SSH host: 192\.0\.2\.7\)\nHINT: A tar archive with WAL files/);
  }
  expect(await readdir(vault.path('incoming'))).toEqual([]);
});
