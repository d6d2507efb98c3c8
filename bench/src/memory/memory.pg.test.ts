import { expect, test } from 'vitest';
import { measureMemory } from './memory.ts';

test('the bench watches memory over a stream and with a slow disk, which is slow', async () => {
  const said: string[] = [];
  const voice = { report: (text: string) => said.push(text), progress: () => {} };
  const slow = { seconds: 4, 'disk-mb': 10, 'sync-ms': 5 };
  const { long, slow: slowSamples } = await measureMemory(
    { gigabytes: 0.05, ...slow, directory: '', major: 15, program: 'source' },
    voice,
  );
  expect(long.at(-1)!.streamedBytes).toBeGreaterThanOrEqual(48_000_000);
  for (const sample of [...long, ...slowSamples]) expect(sample.peakBytes).toBeGreaterThan(10_000_000);
  // of 80 MB that the server has ready, no more than the disk takes and the segment it is at
  expect(slowSamples.at(-1)!.streamedBytes).toBeLessThanOrEqual(4 * 10e6 + 17e6);
  const report = said.join('\n');
  expect(report).toMatch(/0\.1 GB streamed by one process/);
  expect(report).toMatch(/a fast server and a disk of 10 MB\/s/);
});
