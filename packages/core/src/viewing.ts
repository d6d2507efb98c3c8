/** @walvault/core/viewing: the part of @walvault/core that shows what there is, for commands that change nothing. */
export { isReportedError } from './receiver-state.ts';
export type { ReportedError } from './receiver-state.ts';
export type { ObservedSlot, RoleFacts, SqlFacts, StreamingFacts, WalSender } from './observing/server-observation.ts';
export { checkConfiguration } from './viewing/check-configuration.ts';
export type { ConfigurationCheck } from './viewing/check-configuration.ts';
export { configuredSettings } from './viewing/configured-settings.ts';
export type { ShownSetting, ShownSettings } from './viewing/configured-settings.ts';
export { replicationStatus } from './viewing/replication-status.ts';
export type { DurableHere, ReplicationStatus, ReplicationStatusOptions } from './viewing/replication-status.ts';
export { serverConfigFacts, serverLiveFacts } from './viewing/show-server.ts';
export type { ShownFacts } from './viewing/show-server.ts';
export type { ServerConfig } from '@walvault/config';
