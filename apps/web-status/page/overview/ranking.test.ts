import { expect, test } from 'vitest';
import type { ServerSummary, Verdict } from '../../src/schema/server-summary.ts';
import { headline, inOrder, tally, worst } from './ranking.ts';

const server = (name: string, verdict: Verdict, active = true): ServerSummary =>
  ({ name, verdict, active }) as Partial<ServerSummary> as ServerSummary;
const servers = [
  server('c', 'safe'),
  server('b', 'danger'),
  server('off', 'unknown', false),
  server('a', 'safe'),
  server('d', 'warning'),
];
const of = (...verdicts: Verdict[]): string => headline(tally(verdicts.map((verdict) => server('x', verdict))), verdicts.length);

test('trouble comes first, what is switched off last', () => {
  expect(inOrder(servers).map(({ name }) => name)).toEqual(['b', 'd', 'a', 'c', 'off']);
});

test('one sentence says the worst, and what is switched off does not count', () => {
  expect(headline(tally(servers), servers.length)).toBe('Of 4 servers: 1 in danger, 1 with a warning');
  expect(of('safe', 'safe')).toBe('All 2 servers are safe');
  expect(of('safe', 'unknown')).toBe('Of 2 servers: 1 unknown');
  expect([of('safe'), of('danger')]).toEqual(['The server is safe', 'The server is in danger']);
  expect(of()).toBe('No server is configured');
  expect(headline(tally([server('off', 'unknown', false)]), 1)).toBe('No server is switched on');
  expect(worst(tally([]))).toBe('unknown');
});
