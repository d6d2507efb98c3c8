import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Backlog, makeBacklog } from './backlog.ts';
import { type Contender, pgReceivewal } from './contenders.ts';
import { benchReceive } from './receive.ts';
import { timedRun } from './timed-run.ts';

test('the bench receives a small backlog with both programs and reports what it took', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const options = { gigabytes: 0.032, pairs: 1, major: 15, flush: ['segment', 'continuous'], program: 'source' } as const;
  const all = await benchReceive(options, voice);
  expect(all.map(({ flush, pairs }) => [flush, pairs.length])).toEqual([
    ['segment', 1],
    ['continuous', 1],
  ]);
  for (const { bytes, pairs } of all) {
    expect(bytes).toBeGreaterThanOrEqual(32_000_000);
    for (const run of pairs.flatMap(({ peer, ours }) => [peer, ours])) {
      expect(run.wallSeconds).toBeGreaterThan(0);
      expect(run.streamSeconds).toBeLessThanOrEqual(run.wallSeconds);
      expect(run.peakBytes).toBeGreaterThan(1_000_000);
    }
    expect(pairs[0]!.ours.cpuSeconds).toBeGreaterThan(0); // it takes a tenth of a second to start Node.js alone
  }
  const report = said.join('\n');
  expect(report).toMatch(/file system {2}\S+ on /);
  expect(report).toMatch(/peer {9}pg_receivewal \d+\.\d+/);
  expect(report.match(/target wall ratio <= 1\.00: (met|MISSED)/g)).toHaveLength(2);
  expect(said.at(-1)).toMatch(/All \d+ segments of all runs are byte for byte those of the server/);
});

describe('a run', () => {
  let backlog: Backlog;
  let peer: Contender;
  beforeAll(async () => {
    [backlog, peer] = [await makeBacklog(15, 17_000_000), await pgReceivewal(15)];
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
    await expect(timedRun(flip, backlog, 'segment')).rejects.toThrow(
      `segment ${backlog.lastSegment} differs from the server's own`,
    );
  });

  test('fails when a segment is missing', async () => {
    const [first] = [...backlog.hashes.keys()];
    expect(first).not.toBe(backlog.lastSegment);
    await expect(timedRun(followedBy(`rm ${first}`), backlog, 'segment')).rejects.toThrow(`segment ${first} is missing`);
  });

  test('fails with what the program said when the program fails', async () => {
    const lost: Contender = { ...peer, prepare: (task) => peer.prepare({ ...task, slotName: 'nobody' }) };
    await expect(timedRun(lost, backlog, 'segment')).rejects.toThrow(/pg_receivewal ended with 1\n.*"nobody" does not exist/s);
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
