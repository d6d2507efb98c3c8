/** Servers of versions that nobody has tested: too old ones are refused with the reason, newer ones are taken as they are. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { backend, type Cluster, scriptedServer, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { expectSameWal } from './expectations.test-support.ts';
import { sectionFor, Vault } from './vault.test-support.ts';

test.for(['9.6.24', '9.3.25'])(
  'a server of version %s is refused with its version, and nothing is asked of it',
  async (version) => {
    await using server = await scriptedServer(async (connection) => {
      await connection.welcome(backend.welcome({ server_version: version }));
      await connection.closed();
    });
    await using vault = await Vault.create({ pg: { conninfo: server.conninfo, streaming_archiver: 'on', slot_name: 'barman' } });
    for (const args of [
      ['receive-wal', 'pg'],
      ['receive-wal', '--create-slot', 'pg'],
    ]) {
      const { code, stderr } = await vault.run(...args);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        new RegExp(
          `^ERROR: (ArchiverFailure:)?the server is PostgreSQL ${version.replaceAll('.', '\\.')}, which is not supported\nHINT: .*10.*\n$`,
        ),
      );
    }
    expect(vault.names('streaming')).toEqual([]);
  },
);

/** A way to a server on which it says that it is a later one. The text must be of the same length. */
async function disguised(pg: Cluster, version: string): Promise<{ readonly port: number } & AsyncDisposable> {
  const said = Buffer.from(`server_version\0${pg.version}\0`);
  const told = Buffer.from(`server_version\0${version}\0`);
  expect(told.length).toBe(said.length);
  const server = createServer((client) => {
    const upstream = connect(pg.port, pg.host);
    client.on('error', () => upstream.destroy()).pipe(upstream);
    upstream.on('error', () => client.destroy()).on('end', () => client.end());
    upstream.on('data', (chunk: Buffer) => {
      const at = chunk.indexOf(said);
      if (at >= 0) told.copy(chunk, at);
      client.write(chunk);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}

test('a server of a version that does not exist yet is received from', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await using way = await disguised(pg, '20.0');
  await using vault = await Vault.create({
    pg: sectionFor(pg, { conninfo: pg.conninfo({ port: way.port, sslmode: 'disable' }) }),
  });
  await vault.startReceiving();
  const last = await pg.switchWal();
  await expect.poll(() => vault.names('streaming')).toContain(last);
  await expectSameWal(pg, vault);
  await vault.reaches({ phase: 'streaming', serverVersion: 200_000 });
  expect(await vault.succeed('status', 'pg')).toContain('\tPostgreSQL version: 20.0\n');
  await vault.stopReceiver(pg);
});
