/** What a query asks to be found. */
import type { FindRequest, RecoveryTarget } from '@walvault/core';
import { parseLsn, toTimelineId, tryParseTimestamp } from '@walvault/wal';
import type { FindTargetQuery } from '../schema/find-target.ts';
import { RequestProblem } from './problem-answers.ts';

/** MAXFNAMELEN (access/xlog_internal.h), less one. */
const longestName = 63;

/** @throws {RequestProblem} 400 */
export function findRequestOf(query: FindTargetQuery): FindRequest {
  const kinds = (['time', 'lsn', 'name', 'xid'] as const).filter((kind) => query[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    throw new RequestProblem(400, 'exactly one of time, lsn, name and xid can be looked for', {
      hint: 'For example ?time=2026-07-01T10:00:00Z.',
    });
  }
  const { timeline } = query;
  return {
    target: targetOf(kind, query[kind] ?? ''),
    timelineId: timeline === undefined ? undefined : toTimelineId(timeline),
    inclusive: true,
  };
}

function targetOf(kind: RecoveryTarget['kind'], text: string): RecoveryTarget {
  switch (kind) {
    case 'time':
      return { kind, time: microsOf(text) };
    case 'lsn':
      return { kind, lsn: parseLsn(text) };
    case 'xid':
      return { kind, xid: xidOf(text) };
    case 'name':
      if (Buffer.byteLength(text) > longestName)
        throw wrong('name', `a restore point has a name of at most ${longestName} bytes`);
      return { kind, name: text };
  }
}

function microsOf(text: string): bigint {
  const read = tryParseTimestamp(text);
  if (read === undefined) throw wrong('time', 'this is no time');
  return read.time;
}

/** As the server, takes 64-bit transaction ids by their lower half (check_recovery_target_xid). */
function xidOf(text: string): number {
  const xid = Number(BigInt.asUintN(32, BigInt(text)));
  if (xid < 3) throw wrong('xid', 'transaction ids begin at 3');
  return xid;
}

function wrong(parameter: string, detail: string): RequestProblem {
  return new RequestProblem(400, 'the query is not right', { errors: [{ parameter, detail }] });
}
