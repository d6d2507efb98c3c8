import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { DiskProbe } from './disk-probe.ts';

test('a probe writes 8 kB for each flush and says how long the flush took', async () => {
  await using directory = await temporaryDirectory();
  using probe = new DiskProbe(directory.path);
  for (let count = 1; count <= 3; count += 1) {
    expect(probe.flush()).toBeGreaterThan(0);
    expect((await stat(join(directory.path, 'probe'))).size).toBe(count * 8192);
  }
});
