/** @walvault/receiver: from replication messages to durable WAL segment files. */
export { ReceiverError } from './errors.ts';
export type { ReceiverErrorCode } from './errors.ts';
export { otherCluster, pinIdentity, readIdentity } from './identity.ts';
export type { ClusterIdentity } from './identity.ts';
export type { Lineage, LineageStep } from './lineage.ts';
export { Positions } from './positions.ts';
export type { ReportedPositions } from './positions.ts';
export { receiveWal, segmentFileMode } from './receive-wal.ts';
export type { ReceiveEnd, ReceiveObserver, ReceiveWalOptions } from './receive-wal.ts';
export type { ResumePoint } from './resume-point.ts';
export { chooseStart } from './start-position.ts';
export type { Divergence, Received, StartFacts, StartPosition } from './start-position.ts';
export type { LatestSegment, SegmentFile, StreamingDirectory } from './streaming-directory.ts';
export { beginAt, surveyReceived } from './survey.ts';
export type { StreamStart, Survey, SurveyOptions } from './survey.ts';
export { HistoryFiles } from './timeline-history.ts';
export type { HistoryFilesOptions } from './timeline-history.ts';
