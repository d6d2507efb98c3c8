/** The status page beside a receiver, with many who watch it. */
import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAsServerUser } from '@walvault/testkit';
import { BenchFailure } from '../failure.ts';

/** They watch until it is disposed of. */
export interface PageWatchers extends AsyncDisposable {
  /** How many have got something each second, until now. */
  readonly listening: number;
}

const startMs = 60_000;

/**
 * Starts the status page for a configuration and lets clients follow its live stream.
 * @throws {BenchFailure} when it does not start, or a client is not let in
 */
export async function watchPage(configFile: string, home: string, clients: number): Promise<PageWatchers> {
  await using stack = new AsyncDisposableStack();
  const port = await freePort();
  const directory = dirname(createRequire(import.meta.url).resolve('@walvault/web-status/package.json'));
  const args = ['-c', configFile, '--listen', `127.0.0.1:${port}`, '--history', join(home, 'history.sqlite')];
  const program = stack.use(await startAsServerUser([process.execPath, join(directory, 'bin/walvault-web-status.js'), ...args]));
  for (const deadline = performance.now() + startMs; !(await answers(port)); await sleep(100))
    if (!program.running || performance.now() > deadline)
      throw new BenchFailure(`the status page does not start\n${program.stderr}`);
  const heard = new Set<ClientRequest>();
  for (let count = 0; count < clients; count += 1) stack.use(await follow(port, heard));
  const owned = stack.move();
  return {
    get listening() {
      return heard.size;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function answers(port: number): Promise<boolean> {
  const request = get({ port, host: '127.0.0.1', path: '/healthz' });
  const response = await once(request, 'response').catch(() => undefined);
  request.destroy();
  return response !== undefined;
}

/** One client, which reads whatever comes. */
async function follow(port: number, heard: Set<ClientRequest>): Promise<Disposable> {
  const request = get({ port, host: '127.0.0.1', path: '/api/v1/live', headers: { accept: 'text/event-stream' }, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new BenchFailure(`a client was answered with ${response.statusCode}`);
  response.on('data', () => heard.add(request));
  response.on('error', () => undefined);
  request.on('error', () => undefined);
  return { [Symbol.dispose]: () => void request.destroy() };
}
