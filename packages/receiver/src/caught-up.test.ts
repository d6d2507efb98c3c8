import { type Lsn, toLsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { CaughtUp } from './caught-up.ts';

const at = (n: number): Lsn => toLsn(n);

test('nothing is known before the server was heard and that much is durable', () => {
  const caughtUp = new CaughtUp();
  caughtUp.flushed(at(100));
  expect(caughtUp.atMs).toBe(0);
  caughtUp.heard(at(200), 1000, 1000);
  caughtUp.flushed(at(199));
  expect(caughtUp.atMs).toBe(0);
  caughtUp.flushed(at(200));
  expect(caughtUp.atMs).toBe(1000);
});

test('while WAL keeps coming it is the time of the newest word that is durable whole', () => {
  const caughtUp = new CaughtUp();
  caughtUp.heard(at(100), 1000, 1000);
  caughtUp.heard(at(200), 2000, 2000);
  caughtUp.flushed(at(150));
  expect(caughtUp.atMs).toBe(1000);
  caughtUp.heard(at(300), 3000, 3000);
  caughtUp.flushed(at(250));
  expect(caughtUp.atMs).toBe(2000);
  caughtUp.flushed(at(300));
  expect(caughtUp.atMs).toBe(3000);
});

test('a message that was held up tells of the time when it was sent, whatever the difference between the clocks', () => {
  const caughtUp = new CaughtUp();
  const serverAheadMs = 5000;
  caughtUp.heard(at(100), 1000 + serverAheadMs, 1001);
  caughtUp.flushed(at(100));
  expect(caughtUp.atMs).toBe(1001);
  caughtUp.heard(at(100), 2000 + serverAheadMs, 9000);
  caughtUp.flushed(at(100));
  expect(caughtUp.atMs).toBe(2001);
});

test('it never goes back, and a timeline that ended says nothing about the next one', () => {
  const caughtUp = new CaughtUp();
  caughtUp.heard(at(100), 2000, 2000);
  caughtUp.flushed(at(100));
  caughtUp.heard(at(100), 1000, 2500);
  caughtUp.flushed(at(100));
  expect(caughtUp.atMs).toBe(2000);
  caughtUp.heard(at(200), 3000, 3000);
  caughtUp.forget();
  caughtUp.flushed(at(200));
  expect(caughtUp.atMs).toBe(2000);
});
