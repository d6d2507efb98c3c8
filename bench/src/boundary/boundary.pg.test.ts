import { expect, test } from 'vitest';
import { startCommitServer } from '../commit-server.ts';
import { measureBoundary } from './boundary.ts';
import { Committer } from './committer.ts';

test('a commit ends exactly where a segment ends, or lies across', async () => {
  await using cluster = await startCommitServer({ major: 15, segmentSizeMb: 1, settings: { synchronous_standby_names: '' } });
  await using committer = await Committer.connect(cluster);
  for (let count = 0; count < 3; count += 1) {
    const before = BigInt((await cluster.value(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')`))!);
    const commits = await committer.crossBoundary(count === 1 ? 'across' : 'at the end');
    const places = commits.map(({ place }) => place);
    expect(places).toEqual([...Array<string>(5).fill('inside'), count === 1 ? 'across' : 'at the end', 'first behind']);
    const after = BigInt((await cluster.value(`select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')`))!);
    expect(after >> 20n).toBe((before >> 20n) + 1n);
  }
});

test('the bench goes over the ends of segments with a receiver that commits wait for', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const options = { boundaries: 6, peer: 0, 'segment-mb': ['1'], directory: '', major: 15, program: 'source' } as const;
  const [run, ...others] = await measureBoundary(options, voice);
  expect(others).toEqual([]);
  expect(run!.segments).toBeGreaterThanOrEqual(6);
  expect(run!.commits).toHaveLength(6 * 7);
  expect(run!.commits.filter(({ place }) => place === 'at the end').length).toBeGreaterThan(0);
  expect(run!.flushesMs.length).toBe(6 * 5);
  expect(said.join('\n')).toMatch(/target longest at an end beyond the longest flush, ms <= 100\.0: (met|MISSED)/);
});
