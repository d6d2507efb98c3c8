/** Plays a part of many schedules in a thread of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { brokenDisks, type BrokenDisk } from './broken-disks.test-support.ts';
import { playSchedule, scheduleWals } from './disk-schedule.test-support.ts';

/** What a worker is given. */
export interface SchedulePart {
  readonly seeds: readonly number[];
  /** A disk that is broken in this way; an honest one unless given. */
  readonly broken?: BrokenDisk | undefined;
}

/** What a worker tells: the first seed that went wrong, if one did. */
export interface ScheduleResult {
  readonly played: number;
  readonly failure: { readonly seed: number; readonly message: string } | undefined;
}

const { seeds, broken } = workerData as SchedulePart;
const wals = scheduleWals();
const tamper = broken === undefined ? undefined : brokenDisks[broken];
let result: ScheduleResult = { played: 0, failure: undefined };
for (const seed of seeds) {
  const message = await playSchedule({ seed, wals, tamper }).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  result = { played: result.played + 1, failure: message === undefined ? undefined : { seed, message } };
  if (message !== undefined) break;
}
// oxlint-disable-next-line require-post-message-target-origin -- that is of browsers
parentPort?.postMessage(result);
