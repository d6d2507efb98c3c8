/** The status page beside a receiver, with many who watch it. */
import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { statusPagePackage } from '../built-program.ts';
import { BenchFailure } from '../failure.ts';
import { startStatusPage } from '../status-page-process.ts';

/** They watch until it is disposed of. */
export interface PageWatchers extends AsyncDisposable {
  /** How many have got something each second, until now. */
  readonly listening: number;
}

/**
 * Starts the status page for a configuration and lets clients follow its live stream.
 * @throws {BenchFailure} when it does not start, or a client is not let in
 */
export async function watchPage(configFile: string, home: string, clients: number): Promise<PageWatchers> {
  await using stack = new AsyncDisposableStack();
  const executable = join(statusPagePackage('source'), 'bin/walvault-web-status.js');
  const { port } = stack.use(await startStatusPage(executable, { configFile, history: join(home, 'history.sqlite') }));
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
