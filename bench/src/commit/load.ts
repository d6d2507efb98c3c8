/** Clients that commit as fast as they can: pgbench, a process of its own, with the latency of every transaction. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, runAsServerUser, temporaryDirectory } from '@walvault/testkit';
import { commitOptions } from '../commit-server.ts';
import { requireProgram } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';

/** What the clients do: one row inserted and committed, or a transaction of pgbench. */
export type Work = 'insert' | 'simple-update' | 'tpcb-like';

/** How to load a server. */
export interface LoadOptions {
  readonly work: Work;
  readonly clients: number;
  readonly seconds: number;
  /** Whether the commits wait for the standby. */
  readonly waits: boolean;
}

/** What the clients saw, without the first second. */
export interface LoadResult {
  readonly tps: number;
  /** Of each transaction, in milliseconds, ascending. */
  readonly latenciesMs: readonly number[];
}

const warmUpSeconds = 1;
const graceSeconds = 60;
/** So many accounts that 32 clients rarely meet at one of them, or at one branch. */
const scale = 40;

/** Makes the tables for a kind of work. */
export async function prepareLoad(cluster: Cluster, work: Work): Promise<void> {
  if (work === 'insert') await cluster.query('create table entry (client int, at timestamptz default now(), text text)');
  else await pgbench(cluster, ['--initialize', '--quiet', '--scale', String(scale)], { waits: false, seconds: 300 });
}

/**
 * Loads the server for `seconds` and one more.
 * @throws {BenchFailure} when pgbench is not there, fails or does not end
 */
export async function runLoad(cluster: Cluster, { work, clients, seconds, waits }: LoadOptions): Promise<LoadResult> {
  await using directory = await temporaryDirectory('load');
  const script = join(directory.path, 'insert.sql');
  await writeFile(
    script,
    `insert into entry (client, text) values (:client_id, 'a line of text as an application writes it');\n`,
  );
  const what = work === 'insert' ? ['--file', script] : ['--builtin', work];
  const who = ['--client', String(clients), '--jobs', String(Math.min(clients, 2)), '--protocol', 'prepared'];
  const log = ['--log', '--log-prefix', join(directory.path, 'log')];
  const time = ['--no-vacuum', '--time', String(seconds + warmUpSeconds)];
  await pgbench(cluster, [...what, ...who, ...log, ...time], { waits, seconds });
  const files = (await readdir(directory.path)).filter((name) => name.startsWith('log'));
  const texts = await Promise.all(files.map((name) => readFile(join(directory.path, name), 'latin1')));
  return summarizeLog(texts.join(''), warmUpSeconds);
}

/**
 * Reads what `pgbench --log` writes, a line for each transaction: client, number, latency in microseconds, script, and the time of
 * its end in seconds and microseconds.
 * @param skipSeconds time from the end of the first transaction on that does not count
 * @throws {BenchFailure} when nothing is left
 */
export function summarizeLog(text: string, skipSeconds: number): LoadResult {
  const lines = text.split('\n').filter((line) => line !== '');
  const transactions = lines.map((line) => {
    const fields = line.split(' ').map(Number);
    return { latencyMs: (fields[2] ?? 0) / 1000, endMs: (fields[4] ?? 0) * 1000 + (fields[5] ?? 0) / 1000 };
  });
  const ends = transactions.map(({ endMs }) => endMs).toSorted((a, b) => a - b);
  const [first = 0, last = 0] = [ends[0], ends.at(-1)];
  const beginMs = first + skipSeconds * 1000;
  const counted = transactions.filter(({ endMs }) => endMs > beginMs);
  if (counted.length === 0) throw new BenchFailure('no transaction was committed in the time of the load');
  const latenciesMs = counted.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  return { tps: counted.length / ((last - beginMs) / 1000), latenciesMs };
}

interface Session {
  readonly waits: boolean;
  readonly seconds: number;
}

async function pgbench(cluster: Cluster, args: readonly string[], { waits, seconds }: Session): Promise<void> {
  const program = requireProgram('pgbench');
  const { code, signal, stderr } = await runAsServerUser([program.path, ...args, cluster.conninfo({ socket: true })], {
    env: { ...program.env, PGOPTIONS: waits ? commitOptions.synchronous : commitOptions.local },
    timeoutMs: (seconds + graceSeconds) * 1000,
  });
  if (code !== 0) throw new BenchFailure(`pgbench ended with ${code ?? signal}\n${stderr}`);
}
