/**
 * Real PostgreSQL clusters, programs, workloads and faults for the tests, the demo and the bench of walvault. Shares no code
 * with the packages it tests.
 */
export { backend, backendMessage } from './backend-messages.ts';
export { Barman, barmanSectionFor } from './barman.ts';
export { binaries, installedMajors, postgresMajors } from './binaries.ts';
export { createAuthority } from './certificates.ts';
export { Cluster } from './cluster.ts';
export { FaultProxy, faultProxy } from './fault-proxy.ts';
export { findProgram } from './find-program.ts';
export { freePort } from './free-port.ts';
export { ServerStartError } from './postmaster.ts';
export { RecordingProxy, recordingProxy } from './recording-proxy.ts';
export { RunningProgram, runAsServerUser, startAsServerUser } from './run-program.ts';
export { ScriptedConnection, ScriptedServer, scriptedServer } from './scripted-server.ts';
export { serverUser, serverUserName, spawnAsServerUser } from './server-user.ts';
export { createStandby, startCluster, startExisting } from './start-cluster.ts';
export { keepTemporaryDirectories, temporaryDirectory } from './temporary-directory.ts';
export { verifyWorkload } from './verify-workload.ts';
export { bulkLoad, fillSegments } from './wal-load.ts';
export { Workload, startWorkload } from './workload.ts';

export type { ReportFields } from './backend-messages.ts';
export type { BarmanOptions, BarmanSection } from './barman.ts';
export type { Binaries, PostgresMajor } from './binaries.ts';
export type { Authority, CertificateRequest, KeyAndCertificate } from './certificates.ts';
export type { ConninfoOverrides, Row } from './cluster.ts';
export type { ProxyTarget } from './fault-proxy.ts';
export type { FoundProgram } from './find-program.ts';
export type { StopMode } from './postmaster.ts';
export type { StatusReport } from './recording-proxy.ts';
export type { ProgramOptions, ProgramResult, RunOptions } from './run-program.ts';
export type { FrontendMessage, ScriptedServerOptions, ServerScript } from './scripted-server.ts';
export type { SettingValue, Settings } from './server-settings.ts';
export type { ServerTls } from './server-tls.ts';
export type { ServerUser } from './server-user.ts';
export type { CreateStandbyOptions, ServerOptions, StartClusterOptions, StartExistingOptions } from './start-cluster.ts';
export type { TemporaryDirectory } from './temporary-directory.ts';
export type { LostRow, WorkloadVerdict } from './verify-workload.ts';
export type { Acknowledged, AcknowledgedClient, WorkloadOptions } from './workload.ts';
