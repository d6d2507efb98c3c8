import { expect, test } from 'vitest';
import { formatLatency, measureLatency } from './latency.ts';

test('the bench completes segments and waits until each is archived', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const options = { segments: 2, pause: 0, codec: 'zstd', wal: 'bulk', directory: '', major: 15, program: 'source' } as const;
  const times = await measureLatency(options, voice);
  expect(times).toHaveLength(2);
  for (const time of times) expect(time).toBeGreaterThan(1);
  expect(said.join('\n')).toMatch(/target last byte to archived, ms <= 200: (met|MISSED)/);
});

test('nine of ten segments should be archived within 200 ms', () => {
  const quick = Array.from({ length: 9 }, () => 100);
  expect(formatLatency([...quick, 900])).toContain('met (90th percentile 100)');
  expect(formatLatency([...quick.slice(1), 201, 900])).toContain('MISSED (90th percentile 201)');
});
