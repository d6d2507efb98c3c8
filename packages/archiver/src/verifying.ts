/** @walvault/archiver/verifying: the part of @walvault/archiver that verifies, for a command that should start quickly. */
export { Catalog } from './catalog/catalog.ts';
export { CatalogError } from './catalog/errors.ts';
export type { VerifyFinding } from './verifying/finding.ts';
export { parseVerifyEdge } from './verifying/verify-range.ts';
export type { VerifyEdge, VerifyRange } from './verifying/verify-range.ts';
export type { VerifiedTimeline, VerifyReport } from './verifying/verify-report.ts';
export type { VerifyCounts } from './verifying/verify-totals.ts';
export { verifyWal } from './verifying/verify-wal.ts';
export type { VerifyProgress, VerifyWalOptions } from './verifying/verify-wal.ts';
