/**
 * Commands of a physical walsender, each one method ("Streaming Replication Protocol" in the PostgreSQL manual).
 * Only commands go over this connection; SQL needs `connectSql`.
 */
import assert from 'node:assert/strict';
import { formatLsn, type Lsn, parseLsn, type TimelineId } from '@walvault/wal';
import { onlyRow, readResults, requiredText, type ResultRow, type ResultSet, textValue } from './command-result.ts';
import { parseSystemIdentifier, parseTimelineId } from './command-values.ts';
import { InvalidNameError, ProtocolViolationError, UnsupportedServerError } from './errors.ts';
import { queryMessage } from './frontend-messages.ts';
import type { OpenedSession } from './open-session.ts';
import { type EndOfTimeline, readEndOfTimeline, ReplicationStream } from './replication-stream.ts';
import { majorVersionOf } from './server-version.ts';
import type { Session } from './session.ts';

/** The answer to IDENTIFY_SYSTEM. */
export interface SystemIdentity {
  /** Names the cluster for its whole life, 0 to 2^64-1; its standbys have the same. */
  readonly systemIdentifier: bigint;
  /** The timeline that the server is on now. */
  readonly timelineId: TimelineId;
  /** How far WAL can be streamed now: flushed on a primary, received or replayed on a standby. */
  readonly flushLsn: Lsn;
  /** Undefined on a physical walsender. */
  readonly databaseName: string | undefined;
}

/** The answer to READ_REPLICATION_SLOT. */
export interface ReplicationSlotPosition {
  readonly slotType: string;
  /** From where the slot keeps WAL; undefined while it keeps nothing. */
  readonly restartLsn: Lsn | undefined;
  /** The timeline of `restartLsn`, by the history that the server has now. */
  readonly restartTimelineId: TimelineId | undefined;
}

/** The answer to TIMELINE_HISTORY. */
export interface TimelineHistoryFile {
  /** `00000002.history`, as the server calls it. */
  readonly fileName: string;
  /** The file, byte for byte. It belongs to the caller. */
  readonly content: Buffer;
}

/** Where to start streaming. */
export interface StartReplicationOptions {
  /** The slot that shall keep WAL for us; without one the server keeps what `wal_keep_size` says. */
  readonly slotName?: string | undefined;
  readonly startLsn: Lsn;
  readonly timelineId: TimelineId;
}

/** How a {@link ReplicationConnection} behaves. */
export interface ReplicationConnectionOptions {
  /**
   * How long the server may take over the answer to a command, over a message that it has begun, and over the end of a
   * stream that is stopped, in milliseconds; 0 for no limit. Default 60 s. Then the connection is closed.
   */
  readonly answerTimeoutMs?: number | undefined;
}

/**
 * A connection to a walsender. Get one by `connectReplication`, and dispose of it. One command at a time.
 *
 * Each command throws `ServerError` when the server says no, after which the connection takes others unless the error is
 * terminal. `AnswerTimeoutError`, `ConnectionLostError`, {@link ProtocolViolationError} and the signal's reason
 * end the connection.
 */
export class ReplicationConnection implements AsyncDisposable {
  /** Version as one number: 180004 for 18.4. */
  readonly serverVersion: number;
  /** 18 for 18.4. */
  readonly majorVersion: number;
  /** Process id of the walsender, as pg_stat_replication shows it. */
  readonly backendPid: number;
  readonly #session: Session;
  #stream: ReplicationStream | undefined;
  #isBusy = false;

  /** @internal */
  constructor({ session, greeting }: OpenedSession, options: ReplicationConnectionOptions = {}) {
    this.#session = session;
    session.answerTimeoutMs = options.answerTimeoutMs ?? session.answerTimeoutMs;
    this.serverVersion = greeting.serverVersion;
    this.majorVersion = majorVersionOf(greeting.serverVersion);
    this.backendPid = greeting.backendPid;
  }

  /** Version of TLS on this connection (`TLSv1.3`); undefined when it is not encrypted. */
  get tlsVersion(): string | undefined {
    return this.#session.tls?.getProtocol() ?? undefined;
  }

  /** Parameters that the server reports (`server_version`, `in_hot_standby`, ...), newest values. */
  get parameterStatus(): ReadonlyMap<string, string> {
    return this.#session.parameterStatus;
  }

  /** Who the server is and how far its WAL goes. */
  async identifySystem(): Promise<SystemIdentity> {
    return await this.#row('IDENTIFY_SYSTEM', (row) => ({
      systemIdentifier: parseSystemIdentifier(requiredText(row, 'systemid')),
      timelineId: parseTimelineId(requiredText(row, 'timeline')),
      flushLsn: parseLsn(requiredText(row, 'xlogpos')),
      databaseName: textValue(row, 'dbname'),
    }));
  }

  /** The value of a setting as SHOW writes it (`16MB`, `1min`). @throws {ServerError} 42704 for one that does not exist. */
  async show(name: string): Promise<string> {
    if (!/^[A-Za-z_][\w.]{0,127}$/.test(name)) throw new InvalidNameError(`"${name}" is not the name of a setting`);
    return await this.#row(`SHOW ${name}`, (row) => requiredText(row, row.keys().next().value ?? name));
  }

  /**
   * Creates a physical slot. With `reserveWal` it keeps WAL from the last checkpoint on at once, otherwise from the first
   * status update that has a flush LSN. A `temporary` slot goes with this connection.
   * @throws {ServerError} 42710 when it exists, 53400 when no slot is free. @throws {InvalidNameError}
   */
  async createReplicationSlot(options: {
    readonly slotName: string;
    readonly reserveWal: boolean;
    readonly temporary?: boolean | undefined;
  }): Promise<void> {
    const temporary = options.temporary === true ? ' TEMPORARY' : '';
    const reserve = options.reserveWal ? ' RESERVE_WAL' : '';
    await this.#ask(`CREATE_REPLICATION_SLOT ${quoteSlotName(options.slotName)}${temporary} PHYSICAL${reserve}`, ignore);
  }

  /**
   * Where a physical slot stands; undefined when there is none of that name.
   * @throws {UnsupportedServerError} before PostgreSQL 15; ask pg_replication_slots over an SQL connection there.
   */
  async readReplicationSlot(slotName: string): Promise<ReplicationSlotPosition | undefined> {
    if (this.majorVersion < 15) {
      throw new UnsupportedServerError(`READ_REPLICATION_SLOT needs PostgreSQL 15, the server is ${this.majorVersion}`, {
        hint: 'Read pg_replication_slots over an SQL connection instead.',
      });
    }
    return await this.#row(`READ_REPLICATION_SLOT ${quoteSlotName(slotName)}`, readSlotPosition);
  }

  /**
   * Drops a slot; with `wait` it waits until nobody uses it, for as long as that takes.
   * @throws {ServerError} 42704 when there is none, 55006 when it is in use. @throws {InvalidNameError}
   */
  async dropReplicationSlot(slotName: string, options: { readonly wait?: boolean | undefined } = {}): Promise<void> {
    const command = `DROP_REPLICATION_SLOT ${quoteSlotName(slotName)}`;
    if (options.wait === true) await this.#alone(() => this.#results(`${command} WAIT`));
    else await this.#ask(command, ignore);
  }

  /** The history file of a timeline. @throws {ServerError} 58P01 when the server has none, as for timeline 1. */
  async timelineHistory(timelineId: TimelineId): Promise<TimelineHistoryFile> {
    return await this.#row(`TIMELINE_HISTORY ${timelineId}`, (row) => {
      const content = row.get('content');
      if (!content) throw new ProtocolViolationError('the answer of the server holds no file');
      return { fileName: requiredText(row, 'filename'), content };
    });
  }

  /**
   * Starts streaming WAL from `startLsn` on.
   * @returns a stream, or the end of the timeline when it ends just there, in which case the server streams nothing.
   * @throws {ServerError} 42704 no such slot, 55006 slot in use, 55000 slot invalidated. That the server does not have the
   * start (58P01), or not yet (XX000), comes from the first pull. @throws {InvalidNameError}
   */
  async startReplication(options: StartReplicationOptions): Promise<ReplicationStream | EndOfTimeline> {
    const slot = options.slotName === undefined ? '' : ` SLOT ${quoteSlotName(options.slotName)}`;
    const command = `START_REPLICATION${slot} PHYSICAL ${formatLsn(options.startLsn)} TIMELINE ${options.timelineId}`;
    return await this.#alone(() => this.#session.within('answer to START_REPLICATION', () => this.#start(command)));
  }

  /** Says good-bye and closes, also in the middle of a stream. Idempotent; takes a second at most. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#session[Symbol.asyncDispose]();
  }

  /** Runs a command that is answered with one row, and reads that. */
  async #row<T>(command: string, read: (row: ResultRow) => T): Promise<T> {
    return await this.#ask(command, (results) => read(onlyRow(results)));
  }

  /** Runs a command that is answered at once, and reads the answer. */
  async #ask<T>(command: string, read: (results: readonly ResultSet[]) => T): Promise<T> {
    const [name = ''] = command.split(' ', 1);
    return await this.#alone(async () => {
      const results = await this.#session.within(`answer to ${name}`, () => this.#results(command));
      return interpret(name, () => read(results));
    });
  }

  async #start(command: string): Promise<ReplicationStream | EndOfTimeline> {
    this.#session.write(queryMessage(command));
    const first = await this.#session.next();
    if (first.kind !== 'copyBothResponse') return readEndOfTimeline(await readResults(this.#session, first));
    this.#stream = new ReplicationStream(this.#session);
    return this.#stream;
  }

  async #results(command: string): Promise<readonly ResultSet[]> {
    this.#session.write(queryMessage(command));
    return await readResults(this.#session);
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    assert.ok(!this.#isBusy, 'a replication connection takes one command at a time');
    assert.ok(this.#stream?.isOpen !== true, 'a replication connection takes no command while it streams');
    this.#isBusy = true;
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProtocolViolationError) this.#session.fail(error);
      throw error;
    } finally {
      this.#isBusy = false;
    }
  }
}

function readSlotPosition(row: ResultRow): ReplicationSlotPosition | undefined {
  const slotType = textValue(row, 'slot_type');
  const restartLsn = textValue(row, 'restart_lsn');
  const restartTimeline = textValue(row, 'restart_tli');
  if (slotType === undefined) return undefined;
  return {
    slotType,
    restartLsn: restartLsn === undefined ? undefined : parseLsn(restartLsn),
    restartTimelineId: restartTimeline === undefined ? undefined : parseTimelineId(restartTimeline),
  };
}

/** For commands whose rows say nothing new. */
function ignore(): void {}

/** Slot names are put into commands in double quotes, so nothing but what PostgreSQL allows in them may pass. */
function quoteSlotName(slotName: string): string {
  if (/^[a-z0-9_]{1,63}$/.test(slotName)) return `"${slotName}"`;
  throw new InvalidNameError(`replication slot name "${slotName}" is not valid`, {
    hint: 'Replication slot names have 1 to 63 characters out of lower case letters, digits and underscore.',
  });
}

function interpret<T>(command: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ProtocolViolationError(`the answer to ${command} makes no sense`, { cause });
  }
}
