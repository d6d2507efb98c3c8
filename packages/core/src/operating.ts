/** @walvault/core/operating: the part of @walvault/core that acts on what runs: processes, their locks, and the WAL of the server. */
export { awaitArchived } from './operating/await-archived.ts';
export type { AwaitArchivedOptions } from './operating/await-archived.ts';
export { cleanLockDirectory } from './operating/clean-lock-directory.ts';
export { listServerProcesses } from './operating/list-processes.ts';
export type { ServerProcess } from './operating/list-processes.ts';
export { switchServerWal } from './operating/switch-wal.ts';
export type { SwitchWalOptions, SwitchWalOutcome } from './operating/switch-wal.ts';
export { expectTask, noteTask, takeFailedTask } from './operating/task-record.ts';
export type { TaskRecord } from './operating/task-record.ts';
export { serverTasks } from './server-paths.ts';
export type { ServerTask } from './server-paths.ts';
export { stopTask } from './stop-task.ts';
export type { ServerConfig } from '@walvault/config';
