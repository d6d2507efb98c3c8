import type { ReceiverState } from '@walvault/core';
import { formatLsn, type Lsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { CatchUp } from './catch-up.ts';
import { CommandContext } from './context.ts';
import type { OpenLog } from './log.ts';

const segment = 16 * 1024 ** 2;
const context = new CommandContext({ format: 'console' }, new AbortController().signal);

/** What is logged, by a clock that is set by hand. */
class Course {
  readonly lines: string[] = [];
  nowMs = 0;
  readonly catchUp: CatchUp;

  constructor() {
    const log: OpenLog = {
      debug: () => undefined,
      info: (_, message) => void this.lines.push(message),
      warn: () => undefined,
      error: () => undefined,
      setLevel: () => undefined,
      reopen: () => undefined,
    };
    this.catchUp = new CatchUp({ context, log, hasTerminal: false, now: () => this.nowMs });
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
    'catching up with the server: 1.0 GiB behind',
    'catching up: 256.0 MiB of 1.0 GiB, 21.3 MiB/s, about 36 s left',
    'caught up with the server: 1.0 GiB in 24 s, 42.7 MiB/s',
  ]);
});

test('a stream that breaks off ends the telling; the next one begins anew', () => {
  const course = new Course();
  course.at(0, 0, 64);
  course.at(1, 1, 64, 'waiting');
  course.at(30, 32, 64);
  expect(course.lines).toEqual(['catching up with the server: 1.0 GiB behind', 'catching up with the server: 512.0 MiB behind']);
});
