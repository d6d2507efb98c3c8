/** What the options of `find-target` ask for. */
import type { FindRequest, RecoveryTarget } from '@walvault/core';
import { parseLsn, type TimelineId, tryParseTimestamp, WalFormatError } from '@walvault/wal';

/** Options of the command, as they were typed. */
export interface FindTargetCommandOptions {
  readonly time?: string | undefined;
  readonly lsn?: string | undefined;
  readonly xid?: string | undefined;
  readonly name?: string | undefined;
  readonly timeline?: TimelineId | undefined;
  readonly exclusive?: boolean | undefined;
  readonly action: 'pause' | 'promote' | 'shutdown';
  readonly listRestorePoints?: boolean | undefined;
}

/** The request, and what is to be said about how it was understood. */
export interface ReadRequest {
  readonly request: FindRequest;
  /** The time was read in the time zone of this process. */
  readonly hasLocalTime: boolean;
}

/** A command line that makes no sense. */
export class RequestProblem extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** Reads the options. @throws {RequestProblem} */
export function readRequest(options: FindTargetCommandOptions): ReadRequest {
  const kinds = (['time', 'lsn', 'xid', 'name'] as const).filter((kind) => options[kind] !== undefined);
  const [kind, ...more] = kinds;
  if (kind === undefined || more.length > 0)
    throw new RequestProblem(
      kind === undefined ? 'nothing to look for' : `only one of ${kinds.map((word) => `--${word}`).join(', ')} can be looked for`,
      'Give one of --time, --lsn, --xid, --name, or --list-restore-points.',
    );
  if (options.exclusive === true && kind === 'name')
    throw new RequestProblem('--exclusive makes no sense with --name', 'Recovery always stops behind a restore point.');
  const { target, hasLocalTime } = targetOf(kind, options[kind] ?? '');
  return { request: { target, timelineId: options.timeline, inclusive: options.exclusive !== true }, hasLocalTime };
}

function targetOf(
  kind: RecoveryTarget['kind'],
  text: string,
): { readonly target: RecoveryTarget; readonly hasLocalTime: boolean } {
  switch (kind) {
    case 'time':
      return timeOf(text);
    case 'lsn':
      return { target: { kind, lsn: wellFormed(() => parseLsn(text)) }, hasLocalTime: false };
    case 'xid':
      return { target: { kind, xid: xidOf(text) }, hasLocalTime: false };
    case 'name':
      return { target: { kind, name: nameOf(text) }, hasLocalTime: false };
  }
}

function timeOf(text: string): { readonly target: RecoveryTarget; readonly hasLocalTime: boolean } {
  const read = tryParseTimestamp(text);
  if (read === undefined)
    throw new RequestProblem(
      `"${text}" is no time`,
      "Write it like '2026-07-01 12:00:00.5+02'; without a zone it is read in that of this machine.",
    );
  return { target: { kind: 'time', time: read.time }, hasLocalTime: !read.hasZone };
}

/** As the server, takes 64-bit transaction ids by their lower half (check_recovery_target_xid). */
function xidOf(text: string): number {
  const xid = /^\d{1,20}$/.test(text) ? Number(BigInt.asUintN(32, BigInt(text))) : 0;
  if (xid < 3)
    throw new RequestProblem(
      `"${text}" is no transaction id`,
      'Write a whole number from 3 on, as pg_current_xact_id() gives it.',
    );
  return xid;
}

/** MAXFNAMELEN (access/xlog_internal.h) */
const longestName = 63;

function nameOf(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes === 0 || bytes > longestName)
    throw new RequestProblem(
      `a restore point has a name of 1 to ${longestName} bytes, not ${bytes}`,
      'See --list-restore-points for the names that there are.',
    );
  return text;
}

function wellFormed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WalFormatError) throw new RequestProblem(error.message, error.hint ?? '');
    throw error;
  }
}
