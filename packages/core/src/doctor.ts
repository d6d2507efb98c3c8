/** @walvault/core/doctor: the part of @walvault/core that examines a server and everything here that belongs to it. */
export { judgeBrokenConfiguration } from './doctor/configuration-step.ts';
export { examineServer } from './doctor/examine-server.ts';
export type { ExamineOptions } from './doctor/examine-server.ts';
export type { Finding, FindingStatus, Remedy } from './doctor/finding.ts';
