import { ConnectError } from '@walvault/protocol';
import { parseLsn, toTimelineId } from '@walvault/wal';
import { describe, expect, test } from 'vitest';
import type { RecordedHole } from '../holes.ts';
import type { WalSender } from '../observing/server-observation.ts';
import type { ReceiverState } from '../receiver-state.ts';
import { judgeArchiveCommand, judgeHoles, judgeReceiver } from './archive-steps.ts';
import { judgeClock, judgeSynchronous, judgeTimeline } from './cluster-steps.ts';
import { factsWith, wayTo } from './doctor-facts.test-support.ts';
import { judgeWay } from './judge-way.ts';
import { judgeDirectories, judgeLocks, judgeSpace } from './place-steps.ts';
import { judgeStandby } from './server-steps.ts';
import { judgeSlotStep, judgeWalKeeping } from './slot-steps.ts';

const running = { pid: 42, state: { pid: 42, phase: 'streaming', flushedLsn: '0/5000000' } as ReceiverState };
const at = (timelineId: number, lsn: string) => ({ timelineId: toTimelineId(timelineId), lsn: parseLsn(lsn) });

describe('the way', () => {
  const address = { where: 'server at "db" (10.0.0.1), port 5432', address: '10.0.0.1', localAddress: '10.0.0.9' };

  test('an address that is silent points to a firewall', async () => {
    const error = new ConnectError('no answer within 5 s', { where: address.where, timedOut: true });
    const { findings, refusal } = judgeWay(await wayTo({ addresses: [{ ...address, localAddress: undefined, error }] }, error));
    expect(refusal).toBe('blocked');
    expect(findings.find(({ step }) => step === 'TCP connection')).toMatchObject({
      status: 'problem',
      why: expect.stringContaining('a firewall on the way drops the packets'),
      remedy: { words: expect.stringContaining('Let TCP to port 5432 of db through'), commands: ['ping -c 3 db'] },
    });
  });

  test('one address that is closed beside one that is open is no trouble', async () => {
    const error = new ConnectError('refused', { where: address.where });
    const addresses = [
      { ...address, error },
      { ...address, error: undefined },
    ];
    const { findings } = judgeWay(await wayTo({ addresses }, undefined));
    expect(findings.map(({ step, status }) => [step, status])).toEqual([
      ['name resolution', 'ok'],
      ['TCP connection', 'ok'],
      ['TLS', 'warning'],
    ]);
  });
});

describe('the timeline', () => {
  test.each([
    ['an old primary', at(3, '0/4000000'), 'problem', 'old primary'],
    ['a server that was restored', at(2, '0/6000000'), 'problem', 'restored to an earlier state'],
    ['a promoted standby', at(1, '0/6000000'), 'ok', 'follows to the new timeline'],
    ['the same server', at(2, '0/5000000'), 'ok', undefined],
  ] as const)('of %s', async (_case, end, status, why) => {
    const [finding] = judgeTimeline(await factsWith({ here: { end } }));
    expect(finding!.status).toBe(status);
    if (why !== undefined) expect(finding!.why).toContain(why);
  });
});

describe('synchronous_standby_names', () => {
  test.each([
    { names: '', receiver: undefined, section: '', status: 'ok', is: 'empty' },
    { names: 'FIRST 1 (standby1)', receiver: undefined, section: '', status: 'ok', is: 'of others' },
    {
      names: 'FIRST 1 ("Barman_Receive_WAL", other)',
      receiver: undefined,
      section: '',
      status: 'problem',
      is: 'with us, and no receiver',
    },
    { names: '*', receiver: undefined, section: '', status: 'problem', is: 'with everybody, and no receiver' },
    { names: 'barman_receive_wal', receiver: running, section: '', status: 'ok', is: 'with us, and a receiver' },
    {
      names: 'barman_receive_wal',
      receiver: running,
      section: 'flush = segment',
      status: 'problem',
      is: 'with us, and a flush a segment',
    },
  ] as const)('$is', async ({ names, receiver, section, status }) => {
    const facts = await factsWith({ settings: { synchronous_standby_names: names }, here: { receiver }, section });
    expect(judgeSynchronous(facts).map((finding) => finding.status)).toEqual([status]);
  });
});

test('a clock that is wrong is told with its direction', async () => {
  expect(judgeClock(await factsWith({ sql: { clockAheadMs: 90_000 } }))).toMatchObject([
    { status: 'warning', what: 'the clock of the server is 90.0 s ahead of that of this machine' },
  ]);
});

test('what a standby means is said', async () => {
  expect(judgeStandby(await factsWith({ sql: { isInRecovery: true } }))).toMatchObject([
    { status: 'ok', why: expect.stringContaining('behind the primary by the lag of the standby') },
  ]);
});

describe('what the server keeps', () => {
  test('idle_replication_slot_timeout is a danger', async () => {
    const facts = await factsWith({ settings: { idle_replication_slot_timeout: '1d' } });
    expect(judgeWalKeeping(facts).at(-1)).toMatchObject({
      status: 'warning',
      remedy: { sql: ['ALTER SYSTEM SET idle_replication_slot_timeout = 0;', 'SELECT pg_reload_conf();'] },
    });
  });

  test('a slot that begins behind the end of what is here leaves a hole', async () => {
    const slot = {
      slotName: 'barman',
      slotType: 'physical' as const,
      temporary: false,
      active: false,
      activePid: undefined,
      restartLsn: parseLsn('0/4000000'),
      restartTimelineId: undefined,
      walStatus: 'reserved' as const,
      safeWalSize: undefined,
      conflicting: undefined,
      invalidationReason: undefined,
      inactiveSince: undefined,
      retainedBytes: 0x1000000,
    };
    const facts = await factsWith({ sql: { slot }, here: { end: at(2, '0/3000000') } });
    expect(judgeSlotStep(facts)).toMatchObject([
      { status: 'ok' },
      { status: 'warning', what: 'it keeps WAL from 0/4000000 on, but what is here ends at 0/3000000' },
    ]);
    // One that is streamed by follows the receiver, which has gone on since the files were looked at.
    const walSender = { pid: 7, applicationName: 'barman_receive_wal' } as WalSender;
    const streaming = await factsWith({
      sql: { slot: { ...slot, active: true, activePid: 7 }, walSenders: [walSender] },
      here: { end: at(2, '0/3000000'), receiver: running },
    });
    expect(judgeSlotStep(streaming)).toMatchObject([{ status: 'ok' }]);
  });
});

describe('here', () => {
  const space = { device: 1, freeBytes: 100 * 1024 ** 3, totalBytes: 200 * 1024 ** 3, hasInodes: true };
  const directory = {
    option: 'wals_directory',
    path: '/vault/wals',
    stats: { uid: 1000, mode: 0o700, isDirectory: true },
    space,
    trouble: undefined,
  };

  test.each([
    ['much', {}, 'ok'],
    ['little', { freeBytes: 32 * 1024 ** 2 }, 'problem'],
    ['for two hours', { freeBytes: 7200 * 1024 ** 2 }, 'warning'],
    ['for half an hour', { freeBytes: 1800 * 1024 ** 2 }, 'problem'],
    ['without inodes', { hasInodes: false }, 'problem'],
  ] as const)('free space: %s', async (_case, change, status) => {
    const times = { startedAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T01:00:00Z' };
    const state = { ...running.state, ...times, receivedBytes: 3600 * 1024 ** 2 } as ReceiverState;
    const directories = [{ ...directory, space: { ...space, ...change } }];
    expect(judgeSpace(await factsWith({ here: { directories, receiver: { pid: 42, state } } }))).toMatchObject([{ status }]);
  });

  test('a directory of somebody else, one that everybody may write to, and one that root looks at', async () => {
    const trouble = {
      code: 'ERR_NOT_PERMITTED',
      message: 'could not write to "/vault/wals": permission denied',
      hint: null,
      at: '',
    };
    const ofOther = { ...directory, stats: { uid: 0, mode: 0o755, isDirectory: true }, trouble };
    const open = { ...directory, stats: { uid: 1000, mode: 0o777, isDirectory: true } };
    expect(judgeDirectories(await factsWith({ here: { directories: [ofOther, open] } }))).toMatchObject([
      { status: 'problem', why: 'It belongs to user 0 and has mode 0755; this is user 1000.' },
      { status: 'warning', remedy: { commands: ['chmod o-rwx /vault/wals'] } },
    ]);
    expect(judgeDirectories(await factsWith({ here: { uid: 0, directories: [directory] } }))).toMatchObject([
      { status: 'warning' },
    ]);
  });

  test('a lock of Barman is in the way, one of ours is not', async () => {
    const lock = { path: '/locks/.pg-receive-wal.lock', task: 'receive-wal', trouble: undefined } as const;
    const locks = [
      { ...lock, owner: { pid: 7, kind: 'flock' } as const },
      { ...lock, owner: { pid: 8, kind: 'fcntl' } as const },
    ];
    expect(judgeLocks(await factsWith({ here: { locks } }))).toMatchObject([
      { status: 'problem', remedy: { commands: ['barman receive-wal --stop pg'] } },
      { status: 'ok' },
    ]);
  });

  test('a receiver that waits says what for, and a hole that it stands at what to do', async () => {
    const lastError = { code: 'ERR_CONNECT', message: 'no way', hint: 'Look at the way.', at: '' };
    const state = { ...running.state, phase: 'waiting', failedAttempts: 3, lastError } as ReceiverState;
    expect(judgeReceiver(await factsWith({ here: { receiver: { pid: 42, state } } }))).toMatchObject([
      { status: 'problem', why: 'Its last error: no way. Look at the way.' },
    ]);
    const hole = { timelineId: 1, fromLsn: '0/3000000', toLsn: null, resolvedBy: null } as RecordedHole;
    const passed = { timelineId: 1, fromLsn: '0/1000000', toLsn: '0/2000000', resolvedBy: 'continued' } as RecordedHole;
    expect(judgeHoles(await factsWith({ here: { holes: [passed, hole] } }))).toMatchObject([
      { status: 'problem', remedy: { commands: ['walvault receive-wal --stop pg', 'walvault receive-wal --reset pg'] } },
      { status: 'warning', remedy: { commands: ['walvault heal-wal pg'] } },
    ]);
  });
});

test.each([
  ['off', { archive_mode: 'off' }, {}, ['problem']],
  ['without a command', { archive_mode: 'on', archive_command: '' }, {}, ['problem']],
  [
    'that fails',
    { archive_mode: 'on', archive_command: 'false' },
    { lastFailedTime: new Date(2), lastArchivedTime: new Date(1) },
    ['problem'],
  ],
  [
    'that works',
    { archive_mode: 'on', archive_command: 'cp' },
    { lastFailedTime: new Date(1), lastArchivedTime: new Date(2) },
    ['ok'],
  ],
] as const)('archive_command %s', async (_case, settings, archiver, statuses) => {
  const base = await factsWith({ settings, section: 'archiver = on' });
  const facts = { ...base, sql: { ...base.sql!, archiver: { ...base.sql!.archiver, ...archiver } } };
  expect(judgeArchiveCommand(facts).map(({ status }) => status)).toEqual(statuses);
});
