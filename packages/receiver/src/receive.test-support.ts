/** Receives from a real server as the program does: connect, look at the directory and the slot, choose a start, receive. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectReplication, type ReplicationConnection, resolveConnection } from '@walvault/protocol';
import type { Cluster } from '@walvault/testkit';
import {
  type Lsn,
  offsetInSegment,
  parseLsn,
  parseWalSegmentSize,
  partialSuffix,
  type TimelineId,
  toTimelineId,
  type WalSegmentSize,
  walFileNameAt,
} from '@walvault/wal';
import { expect } from 'vitest';
import type { Positions } from './positions.ts';
import { type ReceiveEnd, receiveWal, type ReceiveWalOptions } from './receive-wal.ts';
import { chooseStart, type StartPosition } from './start-position.ts';
import { beginAt, type StreamStart, surveyReceived } from './survey.ts';
import { HistoryFiles } from './timeline-history.ts';

/** What to receive. */
export interface ReceptionOptions
  extends Partial<Pick<ReceiveWalOptions, 'slotName' | 'flushPolicy' | 'statusIntervalMs' | 'observer'>> {
  readonly cluster: Cluster;
  readonly directory: string;
  /** Port to connect to, when it is not the server's own. */
  readonly port?: number | undefined;
  readonly applicationName?: string | undefined;
  /** What this process has flushed before. */
  readonly flushed?: { readonly timelineId: TimelineId; readonly lsn: Lsn } | undefined;
}

/** A reception under way; disposing it breaks the connection, if it still stands, and waits for the end. */
export class Reception implements AsyncDisposable {
  readonly start: StartPosition;
  readonly positions: Positions;
  readonly walSegmentSize: WalSegmentSize;
  /** How it ended. Waiting for it is up to the test; not waiting is fine. */
  readonly ended: Promise<ReceiveEnd>;
  readonly completed: string[] = [];
  readonly timelines: { readonly timelineId: TimelineId; readonly startLsn: Lsn }[] = [];
  readonly flushTimesMs: number[] = [];
  readonly #stop = new AbortController();
  readonly #abort: AbortController;

  constructor(found: {
    options: ReceptionOptions;
    connection: ReplicationConnection;
    start: StartPosition;
    begin: StreamStart;
    histories: HistoryFiles;
    walSegmentSize: WalSegmentSize;
    abort: AbortController;
  }) {
    const { options, connection, start, begin, histories } = found;
    this.start = start;
    this.positions = begin.positions;
    this.walSegmentSize = found.walSegmentSize;
    this.#abort = found.abort;
    this.ended = receiveAndClose({
      ...options,
      ...begin,
      connection,
      histories,
      walSegmentSize: found.walSegmentSize,
      stop: this.#stop.signal,
      observer: {
        streaming: (timelineId, startLsn) => this.timelines.push({ timelineId, startLsn }),
        segmentCompleted: (name) => this.completed.push(name),
        flushed: (durationMs) => this.flushTimesMs.push(durationMs),
      },
    });
    this.ended.catch(() => undefined);
  }

  /** Ends it in good order. */
  async stop(): Promise<ReceiveEnd> {
    this.#stop.abort();
    return this.ended;
  }

  /** Leaves at once, as when the process is killed. */
  async abort(): Promise<void> {
    this.#abort.abort(new Error('the test has left'));
    await this.ended.catch(() => undefined);
  }

  /** Waits until all that the server has flushed by now is durable here. */
  async caughtUp(cluster: Cluster): Promise<void> {
    const target = parseLsn((await cluster.value('select pg_current_wal_flush_lsn()')) ?? '');
    await this.until(() => this.positions.flushedLsn >= target);
  }

  /** Waits until something is so; a reception that ends meanwhile, or half a minute, is an error. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 30_000;
    const isOver = Symbol('over');
    while (!(await isSo())) {
      if (performance.now() > deadline) throw new Error(`still not so: ${isSo.toString()}`);
      const end = await Promise.race([this.ended, sleep(5, isOver)]);
      if (end !== isOver && !(await isSo())) throw new Error(`receiving ended: ${end}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }
}

async function receiveAndClose(options: ReceiveWalOptions): Promise<ReceiveEnd> {
  await using _ = options.connection;
  return await receiveWal(options);
}

/** Starts to receive. */
export async function receive(options: ReceptionOptions): Promise<Reception> {
  const { cluster, directory, slotName } = options;
  const abort = new AbortController();
  const name = { application_name: options.applicationName ?? 'walvault_test' };
  const conninfo = cluster.conninfo(options.port === undefined ? name : { ...name, port: options.port });
  const parameters = await resolveConnection(conninfo, { environment: {}, replication: true });
  const connection = await connectReplication(parameters, { signal: abort.signal });
  const walSegmentSize = parseWalSegmentSize(await connection.show('wal_segment_size'));
  const histories = new HistoryFiles({ connection, directory });
  const system = await connection.identifySystem();
  const { flushed } = options;
  const { facts, resume } = await surveyReceived({ connection, system, directory, walSegmentSize, histories, flushed });
  const start = chooseStart({ ...facts, ...(await slotFacts(cluster, slotName)) });
  return new Reception({ options, connection, start, begin: beginAt(start, resume), histories, walSegmentSize, abort });
}

async function slotFacts(cluster: Cluster, slotName: string | undefined) {
  const restartLsn = slotName === undefined ? undefined : await slotRestartLsn(cluster, slotName);
  return { slotRestartLsn: restartLsn, slotRestartTimelineId: undefined };
}

/** From where a slot keeps WAL. */
export async function slotRestartLsn(cluster: Cluster, slotName: string): Promise<Lsn | undefined> {
  const text = await cluster.value('select restart_lsn from pg_replication_slots where slot_name = $1', [slotName]);
  return text === undefined ? undefined : parseLsn(text);
}

/** Names in a directory, without the files that say nothing here. */
export async function walFilesIn(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).filter((name) => !name.startsWith('.'));
}

/**
 * Checks that what was received is what the server has in its pg_wal, byte for byte: complete segments whole, the partial
 * one up to where it is durable. Gives the number of complete segments. `pattern` chooses among these.
 */
export async function expectSameAsServer(
  cluster: Cluster,
  directory: string,
  positions: Positions,
  pattern = /^[0-9A-F]{24}$/,
): Promise<number> {
  const size = (cluster.segmentSizeMb * 1024 * 1024) as WalSegmentSize;
  const names = (await walFilesIn(directory)).filter((name) => pattern.test(name));
  for (const name of names) {
    const [ours, theirs] = await Promise.all([readFile(join(directory, name)), readFile(join(cluster.walDirectory, name))]);
    expect(ours.length, name).toBe(size);
    expect(ours.equals(theirs), name).toBe(true);
  }
  const offset = offsetInSegment(positions.flushedLsn, size);
  if (offset > 0) {
    const name = walFileNameAt(positions.timelineId, positions.flushedLsn, size);
    const [ours, theirs] = await Promise.all([
      readFile(join(directory, name + partialSuffix)),
      readFile(join(cluster.walDirectory, name)),
    ]);
    expect(ours.length, name).toBe(size);
    expect(ours.subarray(0, offset).equals(theirs.subarray(0, offset)), name).toBe(true);
  }
  return names.length;
}

/** A timeline by its number. */
export const timeline = (value: number): TimelineId => toTimelineId(value);
