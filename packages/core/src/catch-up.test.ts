import { formatLsn, type Logger, type Lsn, silentLogger } from '@walvault/wal';
import { expect, test } from 'vitest';
import { CatchUp, type CatchUpProgress } from './catch-up.ts';
import type { ReceiverState } from './receiver-state.ts';

const segment = 16 * 1024 ** 2;

/** What is told, by a clock that is set by hand. */
class Course {
  readonly lines: string[] = [];
  readonly drawn: (CatchUpProgress | undefined)[] = [];
  nowMs = 0;
  readonly catchUp: CatchUp;

  constructor({ isDrawn = false } = {}) {
    const log: Logger = { ...silentLogger, info: (_, message) => void this.lines.push(message) };
    const onProgress = isDrawn ? (progress: CatchUpProgress | undefined) => void this.drawn.push(progress) : undefined;
    this.catchUp = new CatchUp({ log, onProgress, now: () => this.nowMs });
  }

  at(seconds: number, written: number, end: number, phase: ReceiverState['phase'] = 'streaming'): void {
    this.nowMs = seconds * 1000;
    const lsn = (segments: number): string => formatLsn(BigInt(segments * segment) as Lsn);
    this.catchUp.follow({ phase, writtenLsn: lsn(written), serverLsn: lsn(end), walSegmentSize: segment } as ReceiverState);
  }
}

test('a receiver that keeps up says nothing', () => {
  const course = new Course();
  course.at(0, 10, 10);
  course.at(20, 10, 13);
  expect(course.lines).toEqual([]);
});

test('a backlog is told at its begin, every ten seconds, and at its end, with the rate and the time that is left', () => {
  const course = new Course();
  course.at(0, 64, 128);
  course.at(5, 70, 128);
  course.at(12, 80, 128);
  course.at(13, 81, 128);
  course.at(24, 128, 128.5);
  course.at(40, 129, 129);
  expect(course.lines).toEqual([
    'catching up with the server: 1024.0 MiB behind',
    'catching up with the server: 256.0 MiB of 1024.0 MiB, 21.3 MiB/s, about 36 s left',
    'caught up with the server: 1024.0 MiB in 24.0 s, 42.7 MiB/s',
  ]);
});

test('who draws it is told each time, and when it is over; the log has its begin and end', () => {
  const course = new Course({ isDrawn: true });
  course.at(0, 0, 8);
  course.at(30, 4, 9);
  course.at(31, 9, 9);
  course.at(32, 9, 9);
  expect(course.drawn).toEqual([{ done: 0, total: 8 * segment }, { done: 4 * segment, total: 9 * segment }, undefined]);
  expect(course.lines.map((line) => line.slice(0, 14))).toEqual(['catching up wi', 'caught up with']);
});

test('a stream that breaks off ends the telling; the next one begins anew', () => {
  const course = new Course({ isDrawn: true });
  course.at(0, 0, 64);
  course.at(1, 1, 64, 'waiting');
  course.at(2, 1, 64, 'waiting');
  course.at(30, 32, 64);
  expect(course.drawn).toEqual([{ done: 0, total: 64 * segment }, undefined, { done: 0, total: 32 * segment }]);
  expect(course.lines).toEqual([
    'catching up with the server: 1024.0 MiB behind',
    'catching up with the server: 512.0 MiB behind',
  ]);
});
