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
  /** The magic of its pages, 0 before one was seen. */
  readonly magic: number;
  /** Whether this magic is known. */
  readonly isKnown: boolean;
  /** The bits of xlp_info that have a meaning. */
  readonly infoBits: number;
  /** XLP_FIRST_IS_OVERWRITE_CONTRECORD. */
  readonly overwriteFlag: number;
  /** The greatest xl_tot_len that recovery reads. */
  readonly largestRecord: number;
  /** The flags of an image of a page that say that it is compressed (BKPIMAGE_IS_COMPRESSED, from 15 on one for each method). */
  readonly compressedImageBits: number;
  /** Where the time of a checkpoint stands in struct CheckPoint (catalog/pg_control.h). */
  readonly checkpointTimeOffset: number;
  /** Bytes of one entry of the statistics that a transaction dropped (xl_xact_stats_item, from 15 on). */
  readonly droppedStatisticsSize: number;
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
  // What is not known is most likely newer than all that is.
  const layouts = layoutsOf(major ?? Number.POSITIVE_INFINITY);
  const common = { magic, overwriteFlag, ...layouts };
  if (major === undefined)
    return { ...common, isKnown: false, infoBits: 0xffff, largestRecord: maxAllocSize, hasRmgr: () => true };
  const lastBuiltIn = major >= 19 ? 22 : 21;
  const firstCustom = major >= 15 ? 128 : 256;
  return {
    ...common,
    isKnown: true,
    infoBits: major >= 19 ? 0x0007 : 0x000f,
    largestRecord: major >= 16 ? xlogRecordMaxSize : maxAllocSize,
    hasRmgr: (rmgr) => rmgr <= lastBuiltIn || rmgr >= firstCustom,
  };
}

function layoutsOf(major: number): Pick<WalFormat, 'compressedImageBits' | 'checkpointTimeOffset' | 'droppedStatisticsSize'> {
  return {
    compressedImageBits: major >= 15 ? 0x1c : 0x02,
    checkpointTimeOffset: major >= 19 ? 72 : major >= 12 ? 64 : 56,
    droppedStatisticsSize: major >= 18 ? 16 : 12,
  };
}
