import { readdir } from 'node:fs/promises';
import { temporaryDirectory } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Contender, pgReceivewal } from '../contenders.ts';
import { type Backlog, makeBacklog } from './backlog.ts';
import { measureReceive } from './receive.ts';
import { timedRun } from './timed-run.ts';

const common = { gigabytes: 0.017, pairs: 1, major: 15, program: 'source' } as const;

function listener() {
  const said: string[] = [];
  return { said, voice: { report: (text: string) => said.push(text), progress: () => {} } };
}

test('the bench receives a small backlog with either policy and reports what it took', async () => {
  const { said, voice } = listener();
  const all = await measureReceive(
    { ...common, wal: 'bulk', flush: ['segment', 'continuous'], checks: 'on', directory: '' },
    voice,
  );
  expect(all.map(({ flush, rounds }) => [flush, rounds.map((round) => round.length)])).toEqual([
    ['segment', [2]],
    ['continuous', [2]],
  ]);
  for (const { bytes, rounds } of all) {
    expect(bytes).toBeGreaterThanOrEqual(17_000_000);
    for (const run of rounds.flat()) {
      expect(run.wallSeconds).toBeGreaterThan(0);
      expect(run.startSeconds).toBeLessThanOrEqual(run.wallSeconds);
      expect(run.peakBytes).toBeGreaterThan(1_000_000);
    }
    expect(rounds[0]![1]!.cpuSeconds).toBeGreaterThan(0); // it takes a tenth of a second to start Node.js alone
  }
  const report = said.join('\n');
  expect(report).toMatch(/file system {2}\S+ on /);
  expect(report).toMatch(/peer {9}pg_receivewal \d+\.\d+/);
  expect(report.match(/target wall ratio checked <= \d\.\d\d: (met|MISSED)/g)).toHaveLength(2);
  expect(said.at(-1)).toMatch(/All \d+ segments of all runs are byte for byte those of the server/);
});

test('the bench receives small records with and without checks, to a place of its own', async () => {
  await using place = await temporaryDirectory();
  const { said, voice } = listener();
  const [series] = await measureReceive(
    { ...common, wal: 'small', flush: ['continuous'], checks: 'both', directory: place.path },
    voice,
  );
  expect(series!.ours).toEqual(['checked', 'unchecked']);
  expect(series!.rounds[0]).toHaveLength(3);
  const report = said.join('\n');
  expect(Number(/(\d+) bytes a record/.exec(report)?.[1])).toBeLessThan(120);
  expect(report).toMatch(/cost of checks/);
  expect(await readdir(place.path)).toEqual([]);
});

describe('a run', () => {
  let backlog: Backlog;
  let peer: Contender;
  const manner = { flush: 'segment', place: '' } as const;
  beforeAll(async () => {
    [backlog, peer] = [await makeBacklog({ major: 15, bytes: 17_000_000, wal: 'bulk' }), await pgReceivewal(15)];
  });
  afterAll(() => backlog[Symbol.asyncDispose]());

  /** pg_receivewal, with a shell command behind it. */
  function followedBy(command: string): Contender {
    return {
      ...peer,
      prepare: async (task) => {
        const { argv, env } = await peer.prepare(task);
        return { argv: ['sh', '-c', `"$@" && cd "${task.directory}" && ${command}`, 'sh', ...argv], env };
      },
    };
  }

  test('fails when one byte of a segment is not that of the server', async () => {
    const flip = followedBy(`printf x | dd of=${backlog.lastSegment} bs=1 seek=4242 conv=notrunc status=none`);
    await expect(timedRun(flip, backlog, manner)).rejects.toThrow(`segment ${backlog.lastSegment} differs from the server's own`);
  });

  test('fails when a segment is missing', async () => {
    const [first] = [...backlog.hashes.keys()];
    expect(first).not.toBe(backlog.lastSegment);
    await expect(timedRun(followedBy(`rm ${first}`), backlog, manner)).rejects.toThrow(`segment ${first} is missing`);
  });

  test('fails with what the program said when the program fails', async () => {
    const lost: Contender = { ...peer, prepare: (task) => peer.prepare({ ...task, name: 'nobody' }) };
    await expect(timedRun(lost, backlog, manner)).rejects.toThrow(/pg_receivewal ended with 1\n.*"nobody" does not exist/s);
  });
});

test('the bench says so when the server is too new for pg_receivewal', async () => {
  const { version } = await pgReceivewal(15);
  const newest = 18;
  const asked = pgReceivewal(newest);
  if (Number.parseInt(version, 10) >= newest) expect((await asked).version).toBe(version);
  else
    await expect(asked).rejects.toThrow(
      `pg_receivewal ${version} does not stream from PostgreSQL ${newest}: give --major ${Number.parseInt(version, 10)}`,
    );
});
