import { join } from 'node:path';
import { findProgram, runAsServerUser } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { silentApp, unreachable } from '../api/silent-app.test-support.ts';
import { formatMetricReference, metricNames } from './metric-reference.ts';

test('what is not known is missing, and a server that is off has nothing but that', async () => {
  await using all = await silentApp(
    {},
    {
      pg: unreachable,
      pg_off: { ...unreachable, active: 'false' },
      ['__proto__']: unreachable,
      constructor: unreachable,
    },
  );
  const scrape = async () => (await all.app.inject('/metrics')).body;
  const before = await scrape();
  expect(before).toContain('walvault_verdict{server="pg",verdict="unknown"} 1');
  expect(before).not.toMatch(/^walvault_receiver_up\{/m);
  await expect.poll(scrape).toContain('walvault_server_reachable{server="pg",connection="sql"} 0');
  const text = await scrape();
  expect(text).toContain('walvault_rpo_known{server="pg",place="durable"} 0');
  for (const name of ['pg', '__proto__', 'constructor']) expect(text).toContain(`walvault_receiver_up{server="${name}"} 0`);
  expect(text).toContain('walvault_receiver_phase{server="pg",phase="none"} 1');
  expect(text).toContain('walvault_check_status{server="pg",check="PostgreSQL"} 2');
  expect(text).not.toMatch(/^walvault_(rpo_(seconds|bytes)|server_lsn_bytes|slot_active|received_bytes_total)\{/m);
  expect(text.match(/^\w+\{server="pg_off".*$/gm)).toEqual(['walvault_server_active{server="pg_off"} 0']);
  expect(text).not.toContain('s3cret');
});

test('promtool finds nothing to say against names, units and texts', async () => {
  await using all = await silentApp();
  await expect.poll(async () => (await all.app.inject('/metrics')).body).toContain('connection="sql"');
  const { body, headers } = await all.app.inject('/metrics');
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const promtool = findProgram('promtool');
  const { code, stdout, stderr } = await runAsServerUser([...promtool.argv, 'check', 'metrics'], {
    input: body,
    env: promtool.env,
  });
  expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: '' });
  const exported = [...body.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  expect(new Set(exported)).toEqual(new Set(metricNames));
});

test('docs/metrics.md says what the metrics are', async () => {
  const page = join(import.meta.dirname, '../../../../docs/metrics.md');
  await expect(formatMetricReference()).toMatchFileSnapshot(page);
});
