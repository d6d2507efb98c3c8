/**
 * A walsender without a wire: it has a fixed stretch of WAL, sends it in random pieces at random times, and takes down what it is
 * told. Like a real one it relies on that: WAL segments below what was flushed are gone for good.
 */
import { ConnectionLostError, type ReplicationConnection, type ReplicationMessage, type StandbyStatus } from '@walvault/protocol';
import type { Random } from '@walvault/testkit/faulty-disk';
import { formatLsn, type Lsn, lsnDistance, roundDownToSegment, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import { type BuiltWal, buildWal, randomItems } from '@walvault/wal/testing';

export const segmentSize = toWalSegmentSize(1024 * 1024);
export const timelineId = toTimelineId(1);
export const systemIdentifier = 7_711_030_578_120_921_605n;
/** Just before a file number goes over into the next log id, which is where arithmetic goes wrong. */
const startLsn = (0x4_0000_0000n - 2n * BigInt(segmentSize)) as Lsn;

/** WAL of a few segments. Some are full of records, some end early with a switch, and records go over their ends. */
export function modelWal(seed: number): BuiltWal {
  const items = [...randomItems({ seed, count: 120, largest: 4000, longEvery: 4, switchEvery: 40 })];
  return buildWal({ startLsn, timelineId, systemIdentifier, walSegmentSize: segmentSize, items });
}

/** How a {@link ModelServer} is to be. */
export interface ModelServerOptions {
  readonly wal: BuiltWal;
  readonly random: Random;
  /** How often the connection breaks, from 0 to 1 for each batch. May be changed. */
  lossRate: number;
  /** Whether it asks for a status when it has sent everything, as a server does that shuts down (WalSndDone). */
  readonly asksAtEnd: boolean;
  /** Told of everything that happens, for a trace. */
  readonly onEvent: (text: string) => void;
  /** Told at each turn of the event loop in which the server waits. */
  readonly onTurn?: (() => void) | undefined;
  /** Told that the receiver has reported a higher flush position than ever. */
  readonly onAcknowledged: () => void;
}

/** The server, over all connections. */
export class ModelServer {
  readonly options: ModelServerOptions;
  /** What the receiver did that it must not do. */
  readonly violations: string[] = [];
  /** The highest flush position that was reported; where the slot keeps WAL from. */
  acknowledgedLsn: Lsn | undefined;

  constructor(options: ModelServerOptions) {
    this.options = options;
  }

  /** A new connection. */
  connect(): ModelConnection {
    return new ModelConnection(this);
  }

  /** The WAL from one LSN up to another. */
  bytes(from: Lsn, to: Lsn): Buffer {
    const { wal } = this.options;
    return wal.bytes.subarray(lsnDistance(wal.startLsn, from), lsnDistance(wal.startLsn, to));
  }

  /** Takes down a status update. `sentLsn` is how far this connection has sent. */
  hear({ writeLsn, flushLsn }: StandbyStatus, sentLsn: Lsn): void {
    this.options.onEvent(`told: written ${formatLsn(writeLsn)}, flushed ${formatLsn(flushLsn)}`);
    if (writeLsn > sentLsn) this.#violation(`${formatLsn(writeLsn)} was reported as written, sent was ${formatLsn(sentLsn)}`);
    if (flushLsn > writeLsn) this.#violation(`${formatLsn(flushLsn)} was reported as flushed, and less as written`);
    if (flushLsn === 0n) return;
    const before = this.acknowledgedLsn ?? flushLsn;
    if (flushLsn < before) this.#violation(`the flush position went back from ${formatLsn(before)} to ${formatLsn(flushLsn)}`);
    if (this.acknowledgedLsn !== undefined && flushLsn <= this.acknowledgedLsn) return;
    this.acknowledgedLsn = flushLsn;
    this.options.onAcknowledged();
  }

  /** Looks at the start that is asked for. */
  begin(at: Lsn): void {
    const { wal, onEvent } = this.options;
    onEvent(`start at ${formatLsn(at)}`);
    const keptFrom = roundDownToSegment(this.acknowledgedLsn ?? wal.startLsn, segmentSize);
    if (at < keptFrom)
      this.#violation(`WAL was asked for from ${formatLsn(at)} on, which is removed up to ${formatLsn(keptFrom)}`);
    if (at > wal.endLsn) this.#violation(`WAL was asked for from ${formatLsn(at)} on, which is not written yet`);
  }

  #violation(text: string): void {
    this.options.onEvent(`VIOLATION: ${text}`);
    this.violations.push(text);
  }
}

/** The part of a ReplicationConnection that receiving takes. */
export class ModelConnection implements AsyncDisposable {
  readonly majorVersion = 18;
  readonly server: ModelServer;
  isClosed = false;

  constructor(server: ModelServer) {
    this.server = server;
  }

  /** As the type that the code under test asks for. */
  asConnection(): ReplicationConnection {
    return this as unknown as ReplicationConnection;
  }

  async identifySystem() {
    return { systemIdentifier, timelineId, flushLsn: this.server.options.wal.endLsn, databaseName: undefined };
  }

  async show(name: string): Promise<string> {
    const values: Record<string, string> = { wal_sender_timeout: '0', wal_block_size: '8192', wal_segment_size: '1MB' };
    return values[name] ?? '';
  }

  async startReplication(options: { readonly startLsn: Lsn }): Promise<ModelStream> {
    this.server.begin(options.startLsn);
    return new ModelStream(this, options.startLsn);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
  }
}

const mostMessages = 6;
const largestMessage = 131_072;
/** Where batches lie, one at a time. */
const scratch = Buffer.alloc(mostMessages * largestMessage);

/** How many turns the server waits for a flush before it calls that a failure. A schedule that goes well takes a few dozen. */
const patience = 5000;

/** The part of a ReplicationStream that receiving takes. */
export class ModelStream implements AsyncIterable<readonly ReplicationMessage[]> {
  readonly kind = 'stream';
  end: { readonly kind: 'stopped' | 'serverShutdown' } | undefined;
  readonly #connection: ModelConnection;
  readonly #largest: number;
  readonly #questionRate: number;
  /** Sends WAL as it is written; otherwise all of it is there already, and the receiver is behind. */
  readonly #isLive: boolean;
  #sentLsn: Lsn;
  #isStopping = false;
  #hasAsked = false;
  /** The last batch, which is no more once the next one is asked for. */
  #buffer = Buffer.alloc(0);

  constructor(connection: ModelConnection, startLsn: Lsn) {
    this.#connection = connection;
    this.#sentLsn = startLsn;
    const { random } = connection.server.options;
    this.#largest = random.pick([6000, 30_000, largestMessage, largestMessage]);
    this.#questionRate = random.pick([0.05, 0.6]);
    this.#isLive = random.chance(0.7);
  }

  sendStandbyStatus(status: StandbyStatus): void {
    if (this.#isStopping || this.#connection.isClosed) return;
    this.#hasAsked = false;
    this.#connection.server.hear(status, this.#sentLsn);
  }

  stop(): void {
    this.#isStopping = true;
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly ReplicationMessage[], undefined> {
    return { next: () => this.#pull() };
  }

  async #pull(): Promise<IteratorResult<readonly ReplicationMessage[], undefined>> {
    const { random, wal, lossRate } = this.#connection.server.options;
    this.#buffer.fill(0xdb);
    for (let turns = random.pick([0, 0, 1, 3, random.below(30)]); turns > 0; turns -= 1) await this.#turn();
    if (random.chance(lossRate)) throw new ConnectionLostError('the connection broke, as it does');
    if (this.#isStopping) return this.#finish('stopped');
    if (this.#sentLsn < wal.endLsn) return { done: false, value: this.#batch() };
    if (await this.#isFlushed()) return this.#finish('serverShutdown');
    return { done: false, value: [this.#question()] };
  }

  #question(): ReplicationMessage {
    this.#hasAsked = true;
    return { kind: 'primaryKeepalive', walEnd: this.#sentLsn, sendTimeUs: 0, replyRequested: true };
  }

  #finish(kind: 'stopped' | 'serverShutdown'): { done: true; value: undefined } {
    this.end = { kind };
    return { done: true, value: undefined };
  }

  #batch(): readonly ReplicationMessage[] {
    const { server } = this.#connection;
    const { random, wal, onEvent } = server.options;
    const sizes = Array.from({ length: 1 + random.below(mostMessages) }, () => 1 + random.below(this.#largest));
    const from = this.#sentLsn;
    const total = Math.min(
      sizes.reduce((sum, size) => sum + size, 0),
      lsnDistance(from, wal.endLsn),
    );
    this.#sentLsn = (from + BigInt(total)) as Lsn;
    this.#buffer = scratch.subarray(0, total);
    server.bytes(from, this.#sentLsn).copy(this.#buffer);
    const walEnd = this.#isLive ? this.#sentLsn : wal.endLsn;
    onEvent(`sent up to ${formatLsn(this.#sentLsn)}`);
    const messages: ReplicationMessage[] = [];
    for (let at = 0, index = 0; at < total; index += 1) {
      const data = this.#buffer.subarray(at, at + sizes[index]!);
      messages.push({ kind: 'walData', dataStart: (from + BigInt(at)) as Lsn, walEnd, sendTimeUs: 0, data });
      at += data.length;
    }
    if (random.chance(this.#questionRate)) messages.push(this.#question());
    return messages;
  }

  /** Waits for that, as a server does that shuts down, or until it is time to ask whether it is so (WalSndDone). */
  async #isFlushed(): Promise<boolean> {
    const { server } = this.#connection;
    const { wal, asksAtEnd } = server.options;
    for (let turn = 0; server.acknowledgedLsn !== wal.endLsn; turn += 1) {
      if (asksAtEnd && !this.#hasAsked) return false;
      if (turn > patience) {
        server.violations.push(
          `the end was never reported as flushed, only ${formatLsn(server.acknowledgedLsn ?? wal.startLsn)}`,
        );
        throw new ConnectionLostError('the server has lost its patience');
      }
      await this.#turn();
    }
    return true;
  }

  async #turn(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    this.#connection.server.options.onTurn?.();
    if (this.#connection.isClosed) throw new ConnectionLostError('the connection was closed');
  }
}
