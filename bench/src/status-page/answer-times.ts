/** How long the program of the status page takes to answer: to each question a few times, and to the least one all the time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BenchFailure } from '../failure.ts';

/** What was asked, and what each answer took, in milliseconds, with its last size in bytes. */
export interface AnswerTimes {
  readonly path: string;
  readonly bytes: number;
  readonly milliseconds: readonly number[];
}

/** Asks a question some times, one after the other. @throws {BenchFailure} when it is refused */
export async function askRepeatedly(port: number, path: string, times: number): Promise<AnswerTimes> {
  const milliseconds: number[] = [];
  let bytes = 0;
  for (let count = 0; count < times; count += 1) {
    const startedAtMs = performance.now();
    bytes = (await textOf(port, path)).length;
    milliseconds.push(performance.now() - startedAtMs);
  }
  return { path, bytes, milliseconds };
}

/** The text of an answer. @throws {BenchFailure} when it is refused */
export async function textOf(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const text = await response.text();
  if (response.status !== 200) throw new BenchFailure(`${path} was answered with ${response.status}\n${text}`);
  return text;
}

/** The limit of requests, 1200 a minute, leaves room for others. */
const pauseMs = 100;

/**
 * Asks whether the process answers, until the signal is aborted. Its thread has nothing to do for that but to come to it, so that the longest
 * time is that for which it was busy with something else.
 * @returns what each answer took, in milliseconds
 */
export async function watchLatency(port: number, signal: AbortSignal): Promise<readonly number[]> {
  const milliseconds: number[] = [];
  while (!signal.aborted) {
    const startedAtMs = performance.now();
    await textOf(port, '/healthz');
    milliseconds.push(performance.now() - startedAtMs);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return milliseconds;
}
