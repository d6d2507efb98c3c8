import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Collector } from '../collector/collector.ts';
import { configured } from '../collector/configured.test-support.ts';
import { serverList } from '../schema/server-summary.ts';
import { buildApp } from './build-app.ts';

const unreachable = {
  conninfo: 'host=127.0.0.1 port=1 user=barman password=s3cret',
  streaming_archiver: 'on',
  slot_name: 'barman',
};

test('the list of servers follows its schema before anything is known, and when a server does not answer', async () => {
  await using fixture = await configured({
    pg: { description: 'Main', ...unreachable },
    pg_off: { ...unreachable, active: 'false' },
  });
  using collector = new Collector(fixture.servers);
  await using app = await buildApp({ collector, log: pino({ level: 'silent' }) });
  const list = async () => serverList.parse((await app.inject('/api/v1/servers')).json());
  const [first] = (await list()).servers;
  expect(first).toMatchObject({ name: 'pg', description: 'Main', verdict: 'unknown', badSegments: null });
  await expect.poll(async () => (await list()).servers[0]?.verdict).toBe('danger');
  const { servers } = await list();
  expect(servers.map(({ name }) => name)).toEqual(['pg', 'pg_off']);
  expect(servers[0]).toMatchObject({ reason: 'no receiver has ever run', phase: 'none', lsn: { server: null } });
  expect(servers[0]?.rpo.durableSeconds).toBeNull();
  expect(servers[1]).toMatchObject({ active: false, verdict: 'unknown' });
  expect(JSON.stringify(servers)).not.toContain('s3cret');
});

test('without a build of the page there is one that says how to make it', async () => {
  await using fixture = await configured({});
  using collector = new Collector(fixture.servers);
  await using app = await buildApp({ collector, log: pino({ level: 'silent' }), pageDirectory: fixture.home });
  const answer = await app.inject('/');
  expect(answer.body).toContain('not built');
  expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
});
