/**
 * Commands of a physical walsender, each one method ("Streaming Replication Protocol" in the PostgreSQL manual).
 * Only commands go over this connection; SQL needs `connectSql`.
 */
import assert from 'node:assert/strict';
import { formatLsn, type Lsn, parseLsn, type TimelineId, toTimelineId } from '@walvault/wal';
import { readResults, requiredText, type ResultSet, textValue } from './command-result.ts';
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

/** A connection to a walsender. Get one by `connectReplication`, and dispose of it. One command at a time. */
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
  constructor({ session, greeting }: OpenedSession) {
    this.#session = session;
    this.serverVersion = greeting.serverVersion;
    this.majorVersion = majorVersionOf(greeting.serverVersion);
    this.backendPid = greeting.backendPid;
  }

  /** Parameters that the server reports (`server_version`, `in_hot_standby`, ...), newest values. */
  get parameterStatus(): ReadonlyMap<string, string> {
    return this.#session.parameterStatus;
  }

  /** Who the server is and how far its WAL goes. */
  async identifySystem(): Promise<SystemIdentity> {
    const [result] = await this.#run('IDENTIFY_SYSTEM');
    return interpret('IDENTIFY_SYSTEM', () => ({
      systemIdentifier: BigInt(requiredText(result, 'systemid')),
      timelineId: toTimelineId(Number(requiredText(result, 'timeline'))),
      flushLsn: parseLsn(requiredText(result, 'xlogpos')),
      databaseName: textValue(result, 'dbname'),
    }));
  }

  /** The value of a setting as SHOW writes it (`16MB`, `1min`). @throws {ServerError} 42704 for one that does not exist. */
  async show(name: string): Promise<string> {
    if (!/^[A-Za-z_][\w.]{0,127}$/.test(name)) throw new InvalidNameError(`"${name}" is not the name of a setting`);
    const [result] = await this.#run(`SHOW ${name}`);
    return requiredText(result, result?.columns[0] ?? name);
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
    await this.#run(`CREATE_REPLICATION_SLOT ${quoteSlotName(options.slotName)}${temporary} PHYSICAL${reserve}`);
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
    const [result] = await this.#run(`READ_REPLICATION_SLOT ${quoteSlotName(slotName)}`);
    const slotType = textValue(result, 'slot_type');
    if (slotType === undefined) return undefined;
    const restartLsn = textValue(result, 'restart_lsn');
    const restartTimeline = textValue(result, 'restart_tli');
    return interpret('READ_REPLICATION_SLOT', () => ({
      slotType,
      restartLsn: restartLsn === undefined ? undefined : parseLsn(restartLsn),
      restartTimelineId: restartTimeline === undefined ? undefined : toTimelineId(Number(restartTimeline)),
    }));
  }

  /**
   * Drops a slot; with `wait` it waits until nobody uses it.
   * @throws {ServerError} 42704 when there is none, 55006 when it is in use. @throws {InvalidNameError}
   */
  async dropReplicationSlot(slotName: string, options: { readonly wait?: boolean | undefined } = {}): Promise<void> {
    await this.#run(`DROP_REPLICATION_SLOT ${quoteSlotName(slotName)}${options.wait === true ? ' WAIT' : ''}`);
  }

  /** The history file of a timeline. @throws {ServerError} 58P01 when the server has none, as for timeline 1. */
  async timelineHistory(timelineId: TimelineId): Promise<TimelineHistoryFile> {
    const [result] = await this.#run(`TIMELINE_HISTORY ${timelineId}`);
    const content = result?.rows[0]?.[1];
    if (content === null || content === undefined)
      throw new ProtocolViolationError('the answer to TIMELINE_HISTORY holds no file');
    return { fileName: requiredText(result, 'filename'), content };
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
    return await this.#alone(async () => {
      this.#session.write(queryMessage(command));
      const first = await this.#session.next();
      if (first.kind !== 'copyBothResponse') return readEndOfTimeline(await readResults(this.#session, first));
      this.#stream = new ReplicationStream(this.#session);
      return this.#stream;
    });
  }

  /** Says good-bye and closes, also in the middle of a stream. Idempotent; takes a second at most. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#session[Symbol.asyncDispose]();
  }

  async #run(command: string): Promise<readonly ResultSet[]> {
    return await this.#alone(async () => {
      this.#session.write(queryMessage(command));
      return await readResults(this.#session);
    });
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    assert.ok(!this.#isBusy, 'a replication connection takes one command at a time');
    assert.ok(this.#stream?.isOpen !== true, 'a replication connection takes no command while it streams');
    this.#isBusy = true;
    try {
      return await work();
    } finally {
      this.#isBusy = false;
    }
  }
}

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
