/** Plays a part of many schedules in a thread of its own. */
import { parentPort, workerData } from 'node:worker_threads';
import { brokenArchivers, type BrokenArchiver } from './broken-archivers.test-support.ts';
import { playSchedule } from './disk-schedule.test-support.ts';

/** What a worker is given. */
export interface SchedulePart {
  readonly seeds: readonly number[];
  /** An archiver that is broken in this way; the real one unless given. */
  readonly broken?: BrokenArchiver | undefined;
}

/** What a worker tells: the first seed that went wrong, if one did. */
export interface ScheduleResult {
  readonly played: number;
  readonly failure: { readonly seed: number; readonly message: string } | undefined;
}

const { seeds, broken } = workerData as SchedulePart;
const tamper = broken === undefined ? undefined : brokenArchivers[broken];
let result: ScheduleResult = { played: 0, failure: undefined };
for (const seed of seeds) {
  const message = await playSchedule({ seed, tamper }).then(
    () => undefined,
    (error: unknown) => String(error),
  );
  result = { played: result.played + 1, failure: message === undefined ? undefined : { seed, message } };
  if (message !== undefined) break;
}
// oxlint-disable-next-line require-post-message-target-origin -- that is of browsers
parentPort?.postMessage(result);
