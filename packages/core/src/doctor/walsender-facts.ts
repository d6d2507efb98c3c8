/** What a walsender tells about its server: all that is known where no ordinary connection is configured. */
import type { ReplicationConnection } from '@walvault/protocol';
import { readSlot, type ReplicationSlot } from '@walvault/slots';
import type { Lsn, TimelineId } from '@walvault/wal';

/** The answers of a walsender. */
export interface WalsenderFacts {
  /** As the server writes it: `18.4 (Debian 18.4-1)`. */
  readonly version: string;
  readonly majorVersion: number;
  readonly systemIdentifier: bigint;
  readonly timelineId: TimelineId;
  readonly flushLsn: Lsn;
  /** Undefined before PostgreSQL 14, which does not tell it. */
  readonly isInRecovery: boolean | undefined;
  /** As SHOW writes them, by name; what the version does not have is not there. */
  readonly settings: ReadonlyMap<string, string>;
  /** What a walsender knows of the slot; undefined when there is none, or none is configured, or the version cannot tell. */
  readonly slot: ReplicationSlot | undefined;
}

/** Settings that anybody may see, with the major versions that have them. */
const settings: readonly (readonly [name: string, from: number, until?: number])[] = [
  ['wal_level', 10],
  ['max_wal_senders', 10],
  ['max_replication_slots', 10],
  ['wal_keep_segments', 10, 12],
  ['wal_keep_size', 13],
  ['max_slot_wal_keep_size', 13],
  ['idle_replication_slot_timeout', 18],
  ['synchronous_standby_names', 10],
  ['synchronous_commit', 10],
  ['wal_segment_size', 10],
  ['wal_sender_timeout', 10],
];

/** Asks an idle walsender. @throws what the server answers in place of an answer */
export async function readWalsender(connection: ReplicationConnection, slotName: string | undefined): Promise<WalsenderFacts> {
  const { majorVersion, parameterStatus, serverVersion } = connection;
  const { systemIdentifier, timelineId, flushLsn } = await connection.identifySystem();
  const shown = new Map<string, string>();
  for (const [name, from, until = majorVersion] of settings) {
    if (majorVersion >= from && majorVersion <= until) shown.set(name, await connection.show(name));
  }
  const hotStandby = parameterStatus.get('in_hot_standby');
  return {
    version: parameterStatus.get('server_version') ?? String(serverVersion),
    majorVersion,
    systemIdentifier,
    timelineId,
    flushLsn,
    isInRecovery: hotStandby === undefined ? undefined : hotStandby === 'on',
    settings: shown,
    slot: slotName === undefined || majorVersion < 15 ? undefined : await readSlot(connection, slotName),
  };
}
