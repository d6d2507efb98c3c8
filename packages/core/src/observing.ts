/** @walvault/core/observing: the part of @walvault/core that looks at servers and at what is here of them, for commands that must start quickly. */
export { newestArchived, observeFiles } from './observing/observe-files.ts';
export type { FilesObservation } from './observing/observe-files.ts';
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
export { reportError } from './state-publisher.ts';
export type { RecordedHole } from './holes.ts';
export type { LastVerification } from './last-verification.ts';
export type { ReceiverState } from './receiver-state.ts';
export { observeReceiver } from './observing/observe-receiver.ts';
export type { ReceiverObservation } from './observing/observe-receiver.ts';
export { archivedEnd, durableExposure, endOfServer, isStandby, rpo } from './rpo.ts';
export type { Exposure, Place, Rpo, RpoFacts } from './rpo.ts';
export { judgeSlotSafety } from './slot-safety/judge-slot-safety.ts';
export { serverStatus } from './status.ts';
export type { ServerStatus } from './status.ts';
export { exposureInWords, periodInWords, sizeInWords } from './checking/quantities-in-words.ts';
