/** @walvault/core/running: the part of @walvault/core that looks after many servers in one process, and says how that goes. */
export { RunService } from './running/run-service.ts';
export type { RunServiceOptions, ServerChange } from './running/run-service.ts';
export { runHealth } from './running/run-state.ts';
export type { RunHealth, RunState } from './running/run-state.ts';
export type { DutyPhase, ReportedDuty } from './running/duty.ts';
