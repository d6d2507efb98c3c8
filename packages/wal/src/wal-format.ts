/**
 * What differs between the versions of PostgreSQL in WAL as the checker sees it, told by the magic of a page.
 *
 * An unknown magic is most likely that of a version newer than this code. It is given every benefit of the doubt, so that
 * nobody stops receiving because of an upgrade.
 */
import { majorOfPageMagic, overwriteFlagOf } from './page-header.ts';

const mebibyte = 1024 * 1024;
/** XLogRecordMaxSize, enforced from 16 on. */
const xlogRecordMaxSize = 1020 * mebibyte;
/** MaxAllocSize: what recovery could hold in memory before. */
const maxAllocSize = 1024 * mebibyte - 1;

/** What one version allows. */
export interface WalFormat {
  /** Whether this magic is known. */
  readonly isKnown: boolean;
  /** The bits of xlp_info that have a meaning. */
  readonly infoBits: number;
  /** XLP_FIRST_IS_OVERWRITE_CONTRECORD. */
  readonly overwriteFlag: number;
  /** The greatest xl_tot_len that recovery reads. */
  readonly largestRecord: number;
  /** Whether a resource manager ID exists, built in or custom (access/rmgrlist.h, access/rmgr.h). */
  hasRmgr(rmgr: number): boolean;
}

/** What holds before the first page header was seen: what all versions allow. */
export const anyWalFormat: WalFormat = formatOf(undefined, 0);

/** What the version with this page magic allows. */
export function walFormatOf(magic: number): WalFormat {
  return formatOf(majorOfPageMagic(magic), magic);
}

function formatOf(major: number | undefined, magic: number): WalFormat {
  const overwriteFlag = overwriteFlagOf(magic);
  const largestRecord = major !== undefined && major >= 16 ? xlogRecordMaxSize : maxAllocSize;
  if (major === undefined) return { isKnown: false, infoBits: 0xffff, overwriteFlag, largestRecord, hasRmgr: () => true };
  const lastBuiltIn = major >= 19 ? 22 : 21;
  const firstCustom = major >= 15 ? 128 : 256;
  return {
    isKnown: true,
    infoBits: major >= 19 ? 0x0007 : 0x000f,
    overwriteFlag,
    largestRecord,
    hasRmgr: (rmgr) => rmgr <= lastBuiltIn || rmgr >= firstCustom,
  };
}
