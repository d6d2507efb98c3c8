/** `GET /api/v1/servers/{name}/clients`: who streams from the server, as in pg_stat_replication. */
import { z } from 'zod';
import { bytes, lsn, milliseconds, sampled, time } from './scalars.ts';

const replicationClient = z
  .object({
    pid: z.number().int(),
    userName: z.string().nullable(),
    applicationName: z.string().nullable(),
    clientAddress: z.string().nullable(),
    state: z.string().nullable(),
    syncState: z.string().nullable(),
    slotName: z.string().nullable(),
    backendStart: time.nullable(),
    sentLsn: lsn.nullable(),
    writeLsn: lsn.nullable(),
    flushLsn: lsn.nullable(),
    replayLsn: lsn.nullable(),
    /** How far its flush position is behind the server. */
    behindBytes: bytes.nullable(),
    writeLagMs: milliseconds.nullable(),
    flushLagMs: milliseconds.nullable(),
    replayLagMs: milliseconds.nullable(),
    replyTime: time.nullable(),
    /** Whether it is the receiver of this archive. */
    isOurs: z.boolean(),
  })
  .meta({ id: 'ReplicationClient' });

/** See the members. */
export const clientList = sampled
  .extend({ /** Null when the server could not be asked. */ clients: z.array(replicationClient).nullable() })
  .meta({ id: 'ClientList' });

export type ClientList = z.infer<typeof clientList>;
export type ReplicationClient = z.infer<typeof replicationClient>;
