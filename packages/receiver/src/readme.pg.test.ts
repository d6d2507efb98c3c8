/** The README's example does what the README says, with a real server. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startCluster } from '@walvault/testkit';
import { expect } from 'vitest';
import { test } from './test-directory.test-support.ts';

const packageDirectory = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${packageDirectory}/README.md`, 'utf8');
const [, code, output] = /^```ts\n(.*?)^```\n.*?^```text\n(.*?)^```$/ms.exec(readme)!;

test('the example receives until a segment is complete, and goes on when it is run again', async ({ directory }) => {
  await using cluster = await startCluster({ segmentSizeMb: 1 });
  const args = ['--conditions=@walvault/source', '--input-type=module-typescript', '--eval', code!];
  const env = { ...process.env, CONNINFO: cluster.conninfo(), DIRECTORY: directory };
  const completed: string[][] = [];
  for (let run = 1; run <= 2; run += 1) {
    const example = promisify(execFile)(process.execPath, args, { cwd: packageDirectory, env });
    await cluster.waitFor('select count(*) = 1 from pg_stat_replication');
    await cluster.switchWal();
    expect((await example).stdout).toBe(output);
    completed.push((await readdir(directory)).filter((name) => !name.endsWith('.partial')));
  }
  expect(completed[0]!.length).toBeGreaterThanOrEqual(1);
  expect(completed[1]!.length).toBeGreaterThan(completed[0]!.length);
});
