import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { probeHosts } from './probe-hosts.ts';
import { resolveConnection } from './resolve-connection.ts';

const options = { signal: new AbortController().signal, patienceMs: 2000 };
const resolve = (conninfo: string) => resolveConnection(conninfo, { environment: {} });

test('tells of each host how far one gets', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const parameters = await resolve(`host=127.0.0.1,127.0.0.1,no-such-host.invalid,/nowhere port=${port},1,5432,5432 user=x`);
  const [open, closed, unknown, socket] = await probeHosts(parameters, options);
  expect(open).toMatchObject({ error: undefined, addresses: [{ address: '127.0.0.1', localAddress: '127.0.0.1' }] });
  expect(open!.addresses[0]!.error).toBeUndefined();
  expect(closed!.addresses[0]!.error).toMatchObject({ code: 'ERR_CONNECT', cause: { code: 'ECONNREFUSED' } });
  expect(unknown).toMatchObject({ error: { code: 'ERR_CONNECT' }, addresses: [] });
  expect(socket!.addresses).toMatchObject([{ address: '/nowhere/.s.PGSQL.5432', error: { cause: { code: 'ENOENT' } } }]);
  server.close();
  await once(server, 'close');
});

test('an abort ends it with its reason', async () => {
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  await expect(probeHosts(await resolve('host=127.0.0.1 user=x'), { ...options, signal })).rejects.toBe(reason);
});
