/** @walvault/receiver: from replication messages to durable WAL segment files. */
export { ReceiverError } from './errors.ts';
export type { ReceiverErrorCode } from './errors.ts';
export { otherCluster, pinIdentity, readIdentity } from './identity.ts';
export type { ClusterIdentity } from './identity.ts';
export { Positions } from './positions.ts';
export type { ReportedPositions } from './positions.ts';
export { receiveWal } from './receive-wal.ts';
export type { ReceiveEnd, ReceiveObserver, ReceiveWalOptions } from './receive-wal.ts';
export { chooseStart } from './start-position.ts';
export type { StartFacts, StartPosition } from './start-position.ts';
export { readStreamingDirectory } from './streaming-directory.ts';
export type { LatestSegment, StreamingDirectory } from './streaming-directory.ts';
