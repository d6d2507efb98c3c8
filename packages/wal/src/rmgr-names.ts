/**
 * Names of resource managers and of their records, as pg_waldump shows them (access/rmgrlist.h; the *_identify functions in
 * access/rmgrdesc). A record is named by the high four bits of its info; some names changed with the versions.
 */
import { majorOfPageMagic } from './page-header.ts';

const names = [
  'XLOG',
  'Transaction',
  'Storage',
  'CLOG',
  'Database',
  'Tablespace',
  'MultiXact',
  'RelMap',
  'Standby',
  'Heap2',
  'Heap',
  'Btree',
  'Hash',
  'Gin',
  'Gist',
  'Sequence',
  'SPGist',
  'BRIN',
  'CommitTs',
  'ReplicationOrigin',
  'Generic',
  'LogicalMessage',
  'XLOG2',
] as const;

/** A name, and the majors that use it: from the first to the last, both included. */
type RecordName = string | readonly [name: string, from: number, to: number][];

const always = Number.POSITIVE_INFINITY;

/** For each resource manager the name at info >> 4. */
const recordNames: Readonly<Record<string, Readonly<Record<number, RecordName>>>> = {
  XLOG: {
    0x0: 'CHECKPOINT_SHUTDOWN',
    0x1: 'CHECKPOINT_ONLINE',
    0x2: 'NOOP',
    0x3: 'NEXTOID',
    0x4: 'SWITCH',
    0x5: 'BACKUP_END',
    0x6: 'PARAMETER_CHANGE',
    0x7: 'RESTORE_POINT',
    0x8: 'FPW_CHANGE',
    0x9: 'END_OF_RECOVERY',
    0xa: 'FPI_FOR_HINT',
    0xb: 'FPI',
    0xc: [
      ['FPI_MULTI', 0, 11],
      ['ASSIGN_LSN', 19, always],
    ],
    0xd: 'OVERWRITE_CONTRECORD',
    0xe: [['CHECKPOINT_REDO', 17, always]],
    0xf: [['LOGICAL_DECODING_STATUS_CHANGE', 19, always]],
  },
  Transaction: {
    0x0: 'COMMIT',
    0x1: 'PREPARE',
    0x2: 'ABORT',
    0x3: 'COMMIT_PREPARED',
    0x4: 'ABORT_PREPARED',
    0x5: 'ASSIGNMENT',
    0x6: [['INVALIDATION', 14, always]],
  },
  Storage: { 0x1: 'CREATE', 0x2: 'TRUNCATE' },
  CLOG: { 0x0: 'ZEROPAGE', 0x1: 'TRUNCATE' },
  Database: {
    0x0: [
      ['CREATE', 0, 14],
      ['CREATE_FILE_COPY', 15, always],
    ],
    0x1: [
      ['DROP', 0, 14],
      ['CREATE_WAL_LOG', 15, always],
    ],
    0x2: [['DROP', 15, always]],
  },
  Tablespace: { 0x0: 'CREATE', 0x1: 'DROP' },
  MultiXact: { 0x0: 'ZERO_OFF_PAGE', 0x1: 'ZERO_MEM_PAGE', 0x2: 'CREATE_ID', 0x3: 'TRUNCATE_ID' },
  RelMap: { 0x0: 'UPDATE' },
  Standby: { 0x0: 'LOCK', 0x1: 'RUNNING_XACTS', 0x2: 'INVALIDATIONS' },
  Heap2: {
    0x0: 'REWRITE',
    0x1: [
      ['CLEAN', 0, 13],
      ['PRUNE', 14, 16],
      ['PRUNE_ON_ACCESS', 17, always],
    ],
    0x2: [
      ['FREEZE_PAGE', 0, 13],
      ['VACUUM', 14, 16],
      ['PRUNE_VACUUM_SCAN', 17, always],
    ],
    0x3: [
      ['CLEANUP_INFO', 0, 13],
      ['FREEZE_PAGE', 14, 16],
      ['PRUNE_VACUUM_CLEANUP', 17, always],
    ],
    0x4: 'VISIBLE',
    0x5: 'MULTI_INSERT',
    0x6: 'LOCK_UPDATED',
    0x7: 'NEW_CID',
    0xd: 'MULTI_INSERT+INIT',
  },
  Heap: {
    0x0: 'INSERT',
    0x1: 'DELETE',
    0x2: 'UPDATE',
    0x3: [['TRUNCATE', 11, always]],
    0x4: 'HOT_UPDATE',
    0x5: 'CONFIRM',
    0x6: 'LOCK',
    0x7: 'INPLACE',
    0x8: 'INSERT+INIT',
    0xa: 'UPDATE+INIT',
    0xc: 'HOT_UPDATE+INIT',
  },
  Btree: {
    0x0: 'INSERT_LEAF',
    0x1: 'INSERT_UPPER',
    0x2: 'INSERT_META',
    0x3: 'SPLIT_L',
    0x4: 'SPLIT_R',
    0x5: [
      ['SPLIT_L_ROOT', 0, 10],
      ['SPLIT_L_HIGHKEY', 11, 11],
      ['INSERT_POST', 13, always],
    ],
    0x6: [
      ['SPLIT_R_ROOT', 0, 10],
      ['SPLIT_R_HIGHKEY', 11, 11],
      ['DEDUP', 13, always],
    ],
    0x7: 'DELETE',
    0x8: 'UNLINK_PAGE',
    0x9: 'UNLINK_PAGE_META',
    0xa: 'NEWROOT',
    0xb: 'MARK_PAGE_HALFDEAD',
    0xc: 'VACUUM',
    0xd: 'REUSE_PAGE',
    0xe: [['META_CLEANUP', 11, always]],
  },
  Hash: {
    0x0: 'INIT_META_PAGE',
    0x1: 'INIT_BITMAP_PAGE',
    0x2: 'INSERT',
    0x3: 'ADD_OVFL_PAGE',
    0x4: 'SPLIT_ALLOCATE_PAGE',
    0x5: 'SPLIT_PAGE',
    0x6: 'SPLIT_COMPLETE',
    0x7: 'MOVE_PAGE_CONTENTS',
    0x8: 'SQUEEZE_PAGE',
    0x9: 'DELETE',
    0xa: 'SPLIT_CLEANUP',
    0xb: 'UPDATE_META_PAGE',
    0xc: 'VACUUM_ONE_PAGE',
  },
  Gin: {
    0x0: [['CREATE_INDEX', 0, 11]],
    0x1: 'CREATE_PTREE',
    0x2: 'INSERT',
    0x3: 'SPLIT',
    0x4: 'VACUUM_PAGE',
    0x5: 'DELETE_PAGE',
    0x6: 'UPDATE_META_PAGE',
    0x7: 'INSERT_LISTPAGE',
    0x8: 'DELETE_LISTPAGE',
    0x9: 'VACUUM_DATA_LEAF_PAGE',
  },
  Gist: {
    0x0: 'PAGE_UPDATE',
    0x1: [['DELETE', 12, always]],
    0x2: [['PAGE_REUSE', 12, always]],
    0x3: 'PAGE_SPLIT',
    0x5: [['CREATE_INDEX', 0, 11]],
    0x6: [['PAGE_DELETE', 12, always]],
    0x7: [['ASSIGN_LSN', 13, 18]],
  },
  Sequence: { 0x0: 'LOG' },
  SPGist: {
    0x0: [['CREATE_INDEX', 0, 11]],
    0x1: 'ADD_LEAF',
    0x2: 'MOVE_LEAFS',
    0x3: 'ADD_NODE',
    0x4: 'SPLIT_TUPLE',
    0x5: 'PICKSPLIT',
    0x6: 'VACUUM_LEAF',
    0x7: 'VACUUM_ROOT',
    0x8: 'VACUUM_REDIRECT',
  },
  BRIN: {
    0x0: 'CREATE_INDEX',
    0x1: 'INSERT',
    0x2: 'UPDATE',
    0x3: 'SAMEPAGE_UPDATE',
    0x4: 'REVMAP_EXTEND',
    0x5: 'DESUMMARIZE',
    0x9: 'INSERT+INIT',
    0xa: 'UPDATE+INIT',
  },
  CommitTs: { 0x0: 'ZEROPAGE', 0x1: 'TRUNCATE', 0x2: [['SETTS', 0, 13]] },
  ReplicationOrigin: { 0x0: 'SET', 0x1: 'DROP' },
  Generic: { 0x0: 'Generic' },
  LogicalMessage: { 0x0: 'MESSAGE' },
  XLOG2: { 0x0: 'CHECKSUMS' },
};

/** Name of a resource manager, 0 to 255: `Heap`; `custom128` for one of an extension, `UNKNOWN (64)` (decimal) for none at all. */
export function rmgrName(id: number): string {
  return names[id] ?? (id >= 128 ? `custom${String(id).padStart(3, '0')}` : `UNKNOWN (${id})`);
}

/**
 * Name of the records of one kind: `INSERT+INIT`; `UNKNOWN (f0)` when there is no such kind.
 * @param info the upper half of xl_info, shifted down, as in `RmgrStatistics`
 * @param magic the magic of the pages they lie in; without it, or with an unknown one, the newest names are given
 */
export function recordTypeName(rmgr: number, info: number, magic?: number): string {
  const major = (magic === undefined ? undefined : majorOfPageMagic(magic)) ?? always;
  const entry = recordNames[names[rmgr] ?? '']?.[info];
  const name = typeof entry === 'string' ? entry : entry?.find(([, from, to]) => from <= major && major <= to)?.[0];
  return name ?? `UNKNOWN (${(info << 4).toString(16)})`;
}
