/** The program of the status page, in a process of its own. */
import { once } from 'node:events';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startAsServerUser } from '@walvault/testkit';
import { BenchFailure } from './failure.ts';

/** It runs until it is disposed of. */
export interface StatusPageProcess extends AsyncDisposable {
  readonly pid: number;
  /** At 127.0.0.1. */
  readonly port: number;
}

const startMs = 60_000;

/**
 * Starts it and waits until it answers.
 * @param executable a file that Node.js runs
 * @throws {BenchFailure} when it does not start
 */
export async function startStatusPage(
  executable: string,
  { configFile, history }: { readonly configFile: string; readonly history: string },
): Promise<StatusPageProcess> {
  await using stack = new AsyncDisposableStack();
  const port = await freePort();
  const args = ['-c', configFile, '--listen', `127.0.0.1:${port}`, '--history', history];
  const program = stack.use(await startAsServerUser([process.execPath, executable, ...args]));
  for (const deadline = performance.now() + startMs; !(await answers(port)); await sleep(100))
    if (!program.running || performance.now() > deadline)
      throw new BenchFailure(`the status page does not start\n${program.stderr}`);
  const owned = stack.move();
  return { pid: program.pid, port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function answers(port: number): Promise<boolean> {
  const request = get({ port, host: '127.0.0.1', path: '/healthz' });
  const response = await once(request, 'response').catch(() => undefined);
  request.destroy();
  return response !== undefined;
}
