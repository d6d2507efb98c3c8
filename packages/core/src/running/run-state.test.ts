import { mkdir, stat } from 'node:fs/promises';
import { type Disk, nodeDisk } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { configured } from '../configured.test-support.ts';
import { runStatePath } from '../server-paths.ts';
import type { ReportedDuty } from './duty.ts';
import { readRunState, type RunState, writeRunState } from './run-state.ts';

/** There is no room for another file. */
const fullDisk: Disk = {
  ...nodeDisk,
  open: (path, flags, mode) => {
    if (flags !== 'wx') return nodeDisk.open(path, flags, mode);
    return Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
  },
};

const idle: ReportedDuty = { phase: 'idle', since: '2026-01-02T03:04:05.006Z', restarts: 0, lastError: null, nextStartAt: null };
const state: RunState = {
  version: 1,
  server: 'pg',
  pid: 4711,
  startedAt: '2026-01-02T03:04:05.006Z',
  updatedAt: '2026-01-02T03:04:05.006Z',
  receiver: { ...idle, phase: 'working' },
  archiver: idle,
  deletion: idle,
  healing: idle,
  verification: idle,
};

test('on a full disk run gives signs of life all the same, or a probe would have it killed', async () => {
  await using fixture = await configured();
  await mkdir(fixture.pg.directories.backup, { recursive: true });
  await writeRunState(fixture.pg, state);
  const { ino } = await stat(runStatePath(fixture.pg));
  const error = { code: 'ERR_STORAGE_FULL', message: 'x'.repeat(2000), hint: null, at: '2026-01-02T03:04:06.007Z' };
  const later: RunState = {
    ...state,
    updatedAt: '2026-01-02T03:04:16.007Z',
    receiver: { ...idle, phase: 'waiting', lastError: error },
  };
  for (const next of [later, state]) {
    await writeRunState(fixture.pg, next, fullDisk);
    expect(await readRunState(fixture.pg)).toEqual(next);
  }
  expect((await stat(runStatePath(fixture.pg))).ino).toBe(ino);
});
