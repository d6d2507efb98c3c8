/** A directory of its own for each test that asks for one (`test('...', ({ directory }) => ...)`), removed afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, type TestAPI } from 'vitest';

export const test: TestAPI<{ directory: string }> = base.extend<{ directory: string }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the names of the fixtures that are needed from here
  directory: async ({}, use) => {
    const directory = await mkdtemp(join(tmpdir(), 'walvault-receiver-'));
    await use(directory);
    await rm(directory, { recursive: true, force: true });
  },
});
