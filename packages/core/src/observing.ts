/** @walvault/core/observing: the part of @walvault/core that looks at a server and changes nothing, for a command that should start quickly. */
export { observePrimary, observeServer } from './observing/observe-server.ts';
export type { ObserveOptions } from './observing/observe-server.ts';
export type {
  ArchiverStatistics,
  ObservedSlot,
  RoleFacts,
  ServerObservation,
  SqlFacts,
  StreamingFacts,
  WalSender,
} from './observing/server-observation.ts';
export { settingBytes, settingMs } from './observing/server-setting.ts';
export { isReportedError } from './receiver-state.ts';
export type { ReportedError } from './receiver-state.ts';
