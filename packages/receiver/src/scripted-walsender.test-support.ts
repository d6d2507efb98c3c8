/** A walsender that says what a test wants, for what a real one will not do on demand. */
import { connectReplication, resolveConnection } from '@walvault/protocol';
import { backend, type ScriptedConnection, scriptedServer } from '@walvault/testkit';
import { invalidLsn, type Lsn, parseLsn, toLsn, toTimelineId, toWalSegmentSize } from '@walvault/wal';
import { Positions } from './positions.ts';
import { type ReceiveEnd, receiveWal, type ReceiveWalOptions } from './receive-wal.ts';

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

/** What {@link receiveFrom} takes. */
export interface ScriptedReception {
  readonly directory: string;
  /** Runs when the stream has begun; the connection ends with it. */
  readonly script: (walsender: Walsender) => Promise<void>;
  readonly walSenderTimeout?: string | undefined;
  readonly timelineId?: number | undefined;
  readonly acknowledgedLsn?: Lsn | undefined;
  readonly options?: Partial<ReceiveWalOptions> | undefined;
  /** Name and content of the answer to TIMELINE_HISTORY. */
  readonly history?: readonly [name: string, content: string] | undefined;
}

/** Receives from a scripted walsender until it ends; gives the end and the positions, or the error and the positions. */
export async function receiveFrom(
  given: ScriptedReception,
): Promise<{ end?: ReceiveEnd; error?: unknown; positions: Positions }> {
  const {
    directory,
    script,
    walSenderTimeout = '1min',
    timelineId = 1,
    acknowledgedLsn = invalidLsn,
    history = ['', ''],
  } = given;
  await using server = await scriptedServer(async (connection) => {
    await connection.welcome(backend.welcome());
    for (;;) {
      const { type, body } = await connection.receive();
      if (type !== 'Q') return; // the client has seen enough
      const [command = ''] = body.toString().split('\0');
      if (command.startsWith('START_REPLICATION')) break;
      if (command === 'SHOW wal_sender_timeout') connection.send(backend.result(['wal_sender_timeout'], [walSenderTimeout]));
      else if (command.startsWith('TIMELINE_HISTORY')) connection.send(backend.result(['filename', 'content'], history));
      else throw new Error(`the script has no answer to ${command}`);
    }
    connection.send(backend.copyBothResponse());
    await script(new Walsender(connection));
  });
  const parameters = await resolveConnection(server.conninfo, { environment: {}, replication: true });
  await using connection = await connectReplication(parameters, { signal: new AbortController().signal });
  const positions = new Positions({ timelineId: toTimelineId(timelineId), lsn: startLsn }, acknowledgedLsn);
  const stop = new AbortController().signal;
  const received = receiveWal({
    connection,
    directory,
    walSegmentSize: segmentSize,
    positions,
    stop,
    verifyStream: false,
    ...given.options,
  });
  return await received.then(
    (end) => ({ end, positions }),
    (error: unknown) => ({ error, positions }),
  );
}
