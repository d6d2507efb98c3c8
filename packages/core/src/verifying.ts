/** @walvault/core/verifying: the part of @walvault/core that verifies the WAL of a server, for a command that should start quickly. */
export { verifyServerWal } from './verify-server.ts';
export type { ServerVerification, VerifyServerOptions } from './verify-server.ts';
export { parseVerifyEdge } from '@walvault/archiver/verifying';
export type { VerifyEdge, VerifyFinding, VerifyProgress } from '@walvault/archiver/verifying';
