/** A walsender that says what a test wants, for what a real one will not do on demand. */
import { connectReplication, type ReplicationConnection, resolveConnection } from '@walvault/protocol';
import { backend, type ScriptedConnection, scriptedServer } from '@walvault/testkit';
import { formatLsn, invalidLsn, type Lsn, parseLsn, toLsn, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import { Positions } from './positions.ts';
import { type ReceiveEnd, receiveWal, type ReceiveWalOptions } from './receive-wal.ts';
import { chooseStart } from './start-position.ts';
import { beginAt, type StreamStart, surveyReceived, type SurveyOptions } from './survey.ts';
import { HistoryFiles } from './timeline-history.ts';

export const segmentSize = toWalSegmentSize(1024 * 1024);
/** Where streaming starts: `000000010000000000000030`. */
export const startLsn = parseLsn('0/3000000');

/** A standby status update, taken apart. */
export interface Status {
  readonly write: Lsn;
  readonly flush: Lsn;
  readonly apply: Lsn;
  readonly replyRequested: boolean;
}

/** The server's side of the stream. */
export class Walsender {
  readonly connection: ScriptedConnection;

  constructor(connection: ScriptedConnection) {
    this.connection = connection;
  }

  /** Sends WAL, `at` so many bytes behind the start. */
  wal(at: number, data: Buffer): void {
    const from = startLsn + BigInt(at);
    this.connection.send(backend.walData(from, from + BigInt(data.length), data));
  }

  /** The next status update. */
  async status(): Promise<Status> {
    return statusOf(await this.connection.expect('d'));
  }

  /** All status updates up to CopyDone. */
  async untilCopyDone(): Promise<readonly Status[]> {
    return this.#statusUpTo('c');
  }

  /** All status updates up to Terminate. */
  async untilGoodbye(): Promise<readonly Status[]> {
    return this.#statusUpTo('X');
  }

  async #statusUpTo(last: 'c' | 'X'): Promise<readonly Status[]> {
    const told: Status[] = [];
    for (;;) {
      const { type, body } = await this.connection.receive();
      if (type === last) return told;
      told.push(statusOf(body));
    }
  }

  /** Reads status updates until one is so. */
  async statusUntil(isSo: (status: Status) => boolean): Promise<Status> {
    for (;;) {
      const status = await this.status();
      if (isSo(status)) return status;
    }
  }
}

function statusOf(body: Buffer): Status {
  const lsn = (offset: number): Lsn => toLsn(body.readBigUInt64BE(offset));
  return { write: lsn(1), flush: lsn(9), apply: lsn(17), replyRequested: body[33] === 1 };
}

/** What the server says before the stream. */
export interface ScriptedFacts {
  readonly walSenderTimeout?: string | undefined;
  /** That of the server, 1 unless given. */
  readonly timelineId?: number | undefined;
  readonly flushLsn?: Lsn | undefined;
  readonly systemIdentifier?: bigint | undefined;
  /** Name and content of the answer to TIMELINE_HISTORY, whichever is asked for. */
  readonly history?: readonly [name: string, content: string] | undefined;
}

/** What {@link receiveFrom} takes. */
export interface ScriptedReception extends ScriptedFacts {
  readonly directory: string;
  /** Runs when the stream has begun; the connection ends with it. */
  readonly script: (walsender: Walsender) => Promise<void>;
  readonly acknowledgedLsn?: Lsn | undefined;
  /** Starts where what was received before ends, as the program does, and not where the test says. */
  readonly looksFirst?: boolean | undefined;
  readonly options?: Partial<ReceiveWalOptions> | undefined;
}

/** Receives from a scripted walsender until it ends; gives the end and the positions, or the error and the positions. */
export async function receiveFrom(
  given: ScriptedReception,
): Promise<{ end?: ReceiveEnd; error?: unknown; positions: Positions }> {
  return withConnection(given, given.script, async (connection) => {
    const { directory, timelineId = 1, acknowledgedLsn = invalidLsn } = given;
    const histories = new HistoryFiles({ connection, directory });
    const { positions, checker } =
      given.looksFirst === true
        ? await lookFirst({ connection, directory, histories, walSegmentSize: segmentSize })
        : {
            positions: new Positions({ timelineId: toTimelineId(timelineId), lsn: startLsn }, acknowledgedLsn),
            checker: undefined,
          };
    const received = receiveWal({
      connection,
      directory,
      walSegmentSize: segmentSize,
      positions,
      checker,
      histories,
      stop: new AbortController().signal,
      verifyStream: false,
      ...given.options,
    });
    return await received.then(
      (end) => ({ end, positions }),
      (error: unknown) => ({ error, positions }),
    );
  });
}

/** Looks at what was received before, and so where to start. */
async function lookFirst(options: Omit<SurveyOptions, 'system'>): Promise<StreamStart> {
  const survey = await surveyReceived({ ...options, system: await options.connection.identifySystem() });
  const start = chooseStart({ ...survey.facts, slotRestartLsn: undefined, slotRestartTimelineId: undefined });
  return beginAt(start, survey.resume);
}

/** Connects to a scripted walsender for as long as `use` takes; `script` runs when a stream has begun. */
export async function withConnection<T>(
  facts: ScriptedFacts,
  script: (walsender: Walsender) => Promise<void>,
  use: (connection: ReplicationConnection) => Promise<T>,
): Promise<T> {
  await using server = await scriptedServer(async (connection) => {
    await connection.welcome(backend.welcome());
    for (;;) {
      const { type, body } = await connection.receive();
      if (type !== 'Q') return; // the client has seen enough
      const [command = ''] = body.toString().split('\0');
      if (command.startsWith('START_REPLICATION')) break;
      connection.send(answerTo(command, facts));
    }
    connection.send(backend.copyBothResponse());
    await script(new Walsender(connection));
  });
  const parameters = await resolveConnection(server.conninfo, { environment: {}, replication: true });
  await using connection = await connectReplication(parameters, { signal: new AbortController().signal });
  return await use(connection);
}

function answerTo(command: string, facts: ScriptedFacts): Buffer {
  const { walSenderTimeout = '1min', timelineId = 1, flushLsn = startLsn, systemIdentifier = 1n, history = ['', ''] } = facts;
  if (command === 'SHOW wal_sender_timeout') return backend.result(['wal_sender_timeout'], [walSenderTimeout]);
  if (command === 'SHOW wal_block_size') return backend.result(['wal_block_size'], ['8192']);
  if (command.startsWith('TIMELINE_HISTORY')) return backend.result(['filename', 'content'], history);
  if (command !== 'IDENTIFY_SYSTEM') throw new Error(`the script has no answer to ${command}`);
  const columns = ['systemid', 'timeline', 'xlogpos', 'dbname'];
  return backend.result(columns, [String(systemIdentifier), String(timelineId), formatLsn(flushLsn), null]);
}
