/** The reference page of what a receiver publishes, made from tables that the compiler holds against the types. */
import type { FlushBucket, FlushLatency } from './flush-histogram.ts';
import type { HolesFile, RecordedHole } from './holes.ts';
import type { ReceiverState, ReportedError, ReportedSlotSafety } from './receiver-state.ts';

/** A type in words, and what the member means. */
type Entry = readonly [type: string, meaning: string];

/** Every member of T, and nothing else. */
type Members<T> = { readonly [Name in keyof Required<T>]: Entry };

const lsn = 'LSN or null';
const time = 'time';

/** The members of the published state. */
export const stateMembers: Members<ReceiverState> = {
  version: ['1', 'Version of this form.'],
  server: ['text', 'Name of the server in the configuration.'],
  pid: ['number', 'Process ID of the receiver, on its own machine.'],
  phase: [
    'starting, streaming, waiting, stopped, failed',
    '`starting`: connecting, or finding out where to go on. `streaming`: WAL flows, or would if there were some. `waiting`: the last attempt failed, the next is due at `nextAttemptAt`. `stopped`: ended because it was told to. `failed`: ended by an error. A process that was killed leaves what it published last: whether it lives, the lock file tells.',
  ],
  phaseSince: [time, 'When the phase began.'],
  startedAt: [time, 'When the process began.'],
  updatedAt: [time, 'When the file was written: at most four times a second, and not while nothing changes.'],
  systemIdentifier: [
    'text or null',
    'Identifier of the cluster, as digits, since it does not fit a JSON number. Null before the first stream.',
  ],
  serverVersion: ['number or null', 'Version of the server, 180004 for 18.4.'],
  walSegmentSize: ['number or null', 'Bytes in a segment.'],
  slotName: ['text or null', 'Replication slot that is streamed with.'],
  syncState: [
    'async, potential, sync, quorum or null',
    '`sync_state` of this receiver in pg_stat_replication, looked up once a minute while it streams. Null when it is not known: without an ordinary connection, or when its role may not see it.',
  ],
  timelineId: [
    'number or null',
    'Timeline of the positions below. Until the first stream of this process they are those of the process before it.',
  ],
  startLsn: [lsn, 'Where this stream began. Null before the first one of this process.'],
  writtenLsn: [lsn, 'Behind the last byte that was given to the operating system.'],
  verifiedLsn: [lsn, 'Behind the last record that came whole and was right.'],
  flushedLsn: [lsn, 'Behind the last byte that is durable.'],
  acknowledgedLsn: [lsn, 'What the server was last told to be durable. It never goes back.'],
  serverLsn: [lsn, 'The furthest position of the server that it told of.'],
  partialName: ['text or null', 'File in the streaming directory that is being written.'],
  receivedBytes: ['number', 'Bytes of WAL since the process began.'],
  bytesPerSecond: ['number', 'The same over about the last second.'],
  lastMessageAt: ['time or null', 'When the server was last heard.'],
  caughtUpAt: [
    'time or null',
    'All that was committed up to then was durable here; what was committed later may not be. It is kept over restarts, and is null as long as the server was never caught up with.',
  ],
  segmentsCompleted: ['number', 'Segments since the process began.'],
  reconnects: ['number', 'Attempts that failed or streams that broke since the process began.'],
  flushLatency: ['object', 'How long flushes take, see below.'],
  lastError: ['object or null', 'The last trouble, also when it is over, see below.'],
  troubleSince: ['time or null', 'When the trouble that is waited out began. Null while it streams.'],
  failedAttempts: ['number', 'Attempts in a row that brought nothing. Progress starts it over.'],
  nextAttemptAt: ['time or null', 'When it connects again. Null unless it waits.'],
  gapPolicy: ['stop, continue', 'What `gap_policy` says.'],
  slotSafety: [
    'object or null',
    'How near the slot is to a limit, see below; looked up now and then. Null when it is not known, or without a slot.',
  ],
  holes: ['array', 'The holes on record, as in `holes.json`, see below.'],
  blockingHole: ['object or null', 'The one of them that streaming stands at.'],
  divergence: [
    'object or null',
    "WAL that was received and is not in the server's history, mostly what a failed primary wrote last: `timelineId`, `fromLsn`, `toLsn`. It is kept under the names of its timeline.",
  ],
  logFile: ['text or null', 'Where the log goes. Null for the standard error.'],
};

const errorMembers: Members<ReportedError> = {
  code: ['text', '`ERR_...`.'],
  message: ['text', 'What is wrong, in one line. Never holds a password.'],
  hint: ['text or null', 'What to do.'],
  at: [time, 'When it came.'],
};

const safetyMembers: Members<ReportedSlotSafety> = {
  level: ['ok, warning, critical', '`warning`: half of a limit is used up. `critical`: it is reached, or nearly so.'],
  retainedBytes: ['number or null', 'WAL that the server keeps for the slot.'],
  safeBytes: [
    'number or null',
    'Bytes that can be written until `max_slot_wal_keep_size` of the server or `slot_retained_limit` is reached, whatever comes first. Null without a limit.',
  ],
  reason: ['text', 'The same in words, with the limit that it is about.'],
};

const latencyMembers: Members<FlushLatency> = {
  count: ['number', 'Flushes since the process began.'],
  sumMs: ['number', 'All of them together, in milliseconds.'],
  p50Ms: ['number', 'Half of them took at most so long.'],
  p99Ms: ['number', '99 of 100 took at most so long.'],
  maxMs: ['number', 'The longest.'],
  buckets: ['array', 'Counts by duration, see below, which never go down while the process lives.'],
};

const bucketMembers: Members<FlushBucket> = {
  upToMs: ['number', 'Upper end of the bucket, in milliseconds.'],
  count: ['number', 'Flushes that took at most so long, those of the buckets before included.'],
};

const fileMembers: Members<HolesFile> = {
  version: ['1', 'Version of this form.'],
  holes: ['array', 'In the order in which they were found. At most one is open.'],
};

const holeMembers: Members<RecordedHole> = {
  timelineId: ['number', 'Timeline of `fromLsn`.'],
  fromLsn: ['LSN', 'The first byte that is missing.'],
  toTimelineId: ['number or null', 'Timeline of `toLsn`.'],
  toLsn: [
    lsn,
    'The first byte behind the hole. While the hole is open, as it was when the hole was measured: the server may have removed more since.',
  ],
  reason: [
    'walRemoved, slotLost, slotMissing, slotDropped',
    'The server no longer had the WAL; so it was because the slot had lost it, or because there was no slot. `slotDropped`: the slot was dropped by `slot_policy = protect-server`.',
  ],
  foundAt: [time, 'When it was found.'],
  resolvedBy: [
    'continued, reset, filled, healed or null',
    '`continued`: streaming went on behind it (`gap_policy = continue`, `slot_policy = protect-server`). `reset`: so did the operator say (`receive-wal --reset`), or has accepted it since (`heal-wal --accept-holes`). `filled`: the WAL came back and was received. `healed`: `heal-wal` has streamed it again. Null while streaming stands at it.',
  ],
  resolvedAt: ['time or null', 'When that was.'],
};

/** The page as Markdown. */
export function formatStateReference(): string {
  return [
    '# What a receiver publishes\n',
    '<!-- Written from packages/core/src/state-reference.ts; vitest --update writes it anew. Do not edit. -->\n',
    'A receiver keeps two files in the directory of its server (`backup_directory`). Both are JSON and replaced in one step, so that a reader',
    'sees the one or the other and nothing between. LSNs are text (`0/3000148`), times are ISO 8601 in UTC, sizes are bytes. Members may be',
    'added; one that goes or changes its meaning comes with another `version`.\n',
    '## receive-wal.json\n',
    'How the receiver is: for `status`, for checks and for whoever else watches. It is never read by the receiver itself. It is not flushed to the',
    'disk: after a loss of power it may be an old one, or empty, which is to be taken for none. On a full disk it is written over in place, so that',
    'it can say so. `@walvault/core` exports its type as `ReceiverState`, and `readReceiverState`.\n',
    table(stateMembers),
    '### lastError\n',
    table(errorMembers),
    '### slotSafety\n',
    table(safetyMembers),
    '### flushLatency\n',
    table(latencyMembers),
    '### A bucket of flushLatency\n',
    table(bucketMembers),
    '## holes.json\n',
    'The WAL that is missing in this archive because the server no longer had it. It is durable before anything behind a hole is received, and',
    'entries are never taken out: a backup from before a hole cannot be recovered past it. `@walvault/core` exports its type as `HolesFile`, and',
    '`readHoles`.\n',
    table(fileMembers),
    '### A hole\n',
    table(holeMembers),
  ].join('\n');
}

function table(members: Readonly<Record<string, Entry>>): string {
  const rows = Object.entries(members).map(([name, [type, meaning]]) => `| \`${name}\` | ${type} | ${meaning} |`);
  return ['| member | type | meaning |', '|---|---|---|', ...rows, ''].join('\n');
}
