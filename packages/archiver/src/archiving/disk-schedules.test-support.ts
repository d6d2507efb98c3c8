/** Many schedules at a time, in as many threads as the machine has processors. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ScheduleResult, SchedulePart } from './disk-schedule-worker.test-support.ts';

/** Plays schedules until one goes wrong, at most one in each thread. The seeds are from 0 up to, not including, `count`. */
export async function playSchedules(
  options: { readonly count: number } & Pick<SchedulePart, 'broken'>,
): Promise<{ readonly played: number; readonly failures: readonly { readonly seed: number; readonly message: string }[] }> {
  const { count, broken } = options;
  const threads = Math.min(4, availableParallelism());
  const parts = Array.from({ length: threads }, (_, thread) =>
    play({
      broken,
      seeds: Array.from({ length: Math.ceil((count - thread) / threads) }, (_, index) => thread + index * threads),
    }),
  );
  const results = await Promise.all(parts);
  return {
    played: results.reduce((sum, { played }) => sum + played, 0),
    failures: results.flatMap(({ failure }) => failure ?? []).toSorted((a, b) => a.seed - b.seed),
  };
}

async function play(part: SchedulePart): Promise<ScheduleResult> {
  const { promise, resolve, reject } = Promise.withResolvers<ScheduleResult>();
  const worker = new Worker(new URL('disk-schedule-worker.test-support.ts', import.meta.url), {
    workerData: part,
    execArgv: ['--conditions=@walvault/source'],
  });
  worker.once('message', resolve);
  worker.once('error', reject);
  worker.once('exit', (code) => reject(new Error(`a thread ended with ${code}`)));
  return promise;
}
