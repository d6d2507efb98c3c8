/** A receiver at work: one of the contenders with fresh directories and a slot of its own, watched from outside. */
import type { Cluster, RunningProgram } from '@walvault/testkit';
import { startAsServerUser, temporaryDirectory } from '@walvault/testkit';
import type { FlushPolicy } from './common-options.ts';
import type { Contender } from './contenders.ts';
import { BenchFailure } from './failure.ts';
import { receivingDirectory } from './receiving-directory.ts';

/** Whom to start, and for what. */
export interface ReceiverOptions {
  readonly contender: Contender;
  readonly cluster: Cluster;
  /** Name of its slot, which it gets and loses here, and of the application. */
  readonly name: string;
  readonly flush: FlushPolicy;
  /** Where its directory of segments is made; beside the server when empty. */
  readonly place: string;
  readonly endLsn?: string | undefined;
  /** SQL that makes the slot `$1`; one that begins at the last checkpoint unless given. */
  readonly createSlot?: string | undefined;
  /** Called just before the program is started, with its directory. */
  readonly beforeStart?: ((directory: string) => Promise<void>) | undefined;
}

/** A receiver that was started. Disposing it kills it, removes what it received and drops its slot. */
export interface ReceiverProcess extends AsyncDisposable {
  readonly name: string;
  readonly contender: Contender;
  readonly cluster: Cluster;
  /** Its segments. */
  readonly directory: string;
  readonly program: RunningProgram;
  /** When it was started, by `performance.now()`. */
  readonly startedAtMs: number;
}

const startMs = 60_000;
const stopMs = 30_000;

/** Starts a receiver and does not wait for anything. */
export async function startReceiver(options: ReceiverOptions): Promise<ReceiverProcess> {
  const { contender, cluster, name, flush, endLsn } = options;
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(await receivingDirectory(options.place)).path;
  const home = stack.use(await temporaryDirectory('home')).path;
  await createSlot(options);
  stack.defer(() => dropSlot(cluster, name));
  const conninfo = cluster.conninfo({ dbname: undefined });
  const { argv, env } = await contender.prepare({ directory, home, conninfo, name, endLsn, flush });
  await options.beforeStart?.(directory);
  const startedAtMs = performance.now();
  const program = stack.use(await startAsServerUser(argv, { env }));
  const owned = stack.move();
  return { name, contender, cluster, directory, program, startedAtMs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/**
 * Waits until the server says that it streams to the receiver, which has caught up then.
 * @throws {BenchFailure} with what the receiver said, when it ends before or takes for ever
 */
export async function untilStreaming({ name, contender, cluster, program }: ReceiverProcess): Promise<void> {
  const streams = `select exists (select from pg_stat_replication where application_name = '${name}' and state = 'streaming')`;
  const ended = program.exited.then(({ code, signal, stderr }) => {
    throw new BenchFailure(`${contender.name} ended with ${code ?? signal}\n${stderr}`);
  });
  const late = () => new BenchFailure(`${contender.name} does not stream after ${startMs / 1000} s\n${program.stderr}`);
  const streaming = cluster.waitFor(streams, startMs).catch(() => Promise.reject(late()));
  await Promise.race([streaming, ended]);
}

/**
 * Ends a receiver in good order.
 * @throws {BenchFailure} with what it said, when it ends otherwise
 */
export async function stopReceiver({ contender, program }: ReceiverProcess): Promise<void> {
  program.signal(contender.stopSignal);
  const timer = setTimeout(() => program.signal('SIGKILL'), stopMs);
  const { code, signal, stderr } = await program.exited;
  clearTimeout(timer);
  if (code !== 0) throw new BenchFailure(`${contender.name} ended with ${code ?? signal}\n${stderr}`);
}

async function createSlot({ cluster, name, createSlot }: ReceiverOptions): Promise<void> {
  if (createSlot === undefined) await cluster.query('checkpoint');
  await cluster.query(createSlot ?? 'select pg_create_physical_replication_slot($1, true)', [name]);
}

/** A server that is gone has no slot to drop; the failure that ended it tells more. */
async function dropSlot(cluster: Cluster, name: string): Promise<void> {
  if (!cluster.running) return;
  await cluster.waitFor(`select not active from pg_replication_slots where slot_name = '${name}'`);
  await cluster.query('select pg_drop_replication_slot($1)', [name]);
}
