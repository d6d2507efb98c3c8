import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { backend, createAuthority } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { connectReplication } from './connect.ts';
import { type TestParameters, testHost, testParameters } from './parameters.test-support.ts';
import { type Script, serve, serveWelcome } from './scripted-server.test-support.ts';
import { serveTls } from './tls-server.test-support.ts';

const { signal } = new AbortController();
const limitMs = 200;

/** The error of connecting to a server that says nothing more, and how long it took. */
async function giveUp(port: number, options: Partial<TestParameters> = {}): Promise<{ error: unknown; ms: number }> {
  const start = performance.now();
  const parameters = testParameters({ port, connectTimeoutMs: limitMs, password: 'secret', ...options });
  const error: unknown = await connectReplication(parameters, { signal }).catch((caught: unknown) => caught);
  return { error, ms: performance.now() - start };
}

/** It takes the limit, and not another one for a second try. */
function expectTimeout({ error, ms }: { error: unknown; ms: number }): void {
  expect(error).toMatchObject({
    code: 'ERR_CONNECT_TIMEOUT',
    retry: 'retry',
    message: expect.stringMatching(/no answer within 0\.2 s$/) as string,
  });
  expect(ms).toBeGreaterThan(limitMs - 20);
}

describe('connect_timeout ends the wait for a server that is silent', () => {
  test.each<[string, Script, Partial<TestParameters>]>([
    ['from the first byte on', () => {}, {}],
    ['after the TLS request', async (client) => void (await client.startup()), { tls: { mode: 'prefer' } }],
    [
      'in the TLS handshake',
      async (client) => {
        await client.startup();
        client.send(Buffer.from('S'));
      },
      { tls: { mode: 'prefer' } },
    ],
    ['in the TLS handshake of direct negotiation', () => {}, { tls: { mode: 'require', negotiation: 'direct' } }],
    [
      'after it asked for the password',
      async (client) => {
        await client.startup();
        client.send(backend.authenticationCleartextPassword());
      },
      {},
    ],
    [
      'in the middle of SCRAM',
      async (client) => {
        await client.startup();
        client.send(backend.authenticationSasl(['SCRAM-SHA-256']));
      },
      {},
    ],
    [
      'after it let us in',
      async (client) => {
        await client.startup();
        client.send(backend.authenticationOk());
      },
      {},
    ],
    [
      'in the middle of a message',
      async (client) => {
        await client.startup();
        client.send(backend.welcome().subarray(0, 20));
      },
      {},
    ],
    [
      'when it is asked whether it is a primary',
      async (client) => void (await client.welcome(backend.welcome({ server_version: '13.23' }))),
      { targetSession: 'primary' },
    ],
  ])('%s', async (_name, script, options) => {
    await using server = await serve(script);
    expectTimeout(await giveUp(server.port, options));
    // One deadline for the address: no second try with the other encryption behind it.
    expect(server.accepted).toBe(1);
  });

  test('after the TLS handshake', async () => {
    const { certificate, privateKey } = createAuthority().issue({ commonName: 'x' });
    await using server = await serveTls({ cert: certificate, key: privateKey }, () => {});
    expectTimeout(await giveUp(server.port, { tls: { mode: 'require' } }));
  });

  test.runIf(process.platform === 'linux').each(['connectTimeoutMs', 'userTimeoutMs'] as const)(
    'to the very first packet (%s)',
    async (limit) => {
      await using server = await deafServer();
      const { error } = await giveUp(server.port, { connectTimeoutMs: 0, [limit]: limitMs });
      expect(error).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', retry: 'retry' });
    },
  );

  test('and goes on with the next host', async () => {
    await using silent = await serve(() => {});
    await using server = await serveWelcome();
    const hostsBefore = [testHost({ port: silent.port })];
    await using connection = await connectReplication(
      // The next host has as much time, and must be able to answer within it on a loaded machine.
      testParameters({ port: server.port, hostsBefore, connectTimeoutMs: 1500 }),
      { signal },
    );
    expect(connection.backendPid).toBe(4711);
  });
});

/** A port whose queue of connections is full, so that the kernel drops what still comes: a process that has been stopped. */
async function deafServer(): Promise<AsyncDisposable & { port: number }> {
  const program = `const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line.toString());
  child.kill('SIGSTOP');
  const fillers: net.Socket[] = [];
  for (let stuck = false; !stuck; ) {
    const filler = net.connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(filler);
    stuck = await Promise.race([
      once(filler, 'connect').then(() => false),
      new Promise<true>((resolve) => setTimeout(resolve, 300, true)),
    ]);
  }
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}
