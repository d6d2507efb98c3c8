import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';

test('the example of the README does what it says', async () => {
  const packageDirectory = new URL('..', import.meta.url);
  const [, example] = /```ts\n([^]*?)```/.exec(await readFile(new URL('README.md', packageDirectory), 'utf8')) ?? [];
  await using pg = await startCluster({ major: 18, segmentSizeMb: 1 });
  await pg.query('CREATE ROLE streaming_barman LOGIN REPLICATION; CREATE ROLE barman LOGIN');
  const args = ['--conditions=@walvault/source', '--input-type=module-typescript', '--eval', example!];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: packageDirectory,
    env: { PGHOST: pg.host, PGPORT: String(pg.port) },
  });
  const promised = [...example!.matchAll(/console\.log\(.*\/\/ (\w+)$/gm)].map(([, word]) => word);
  expect(promised).toEqual(['missing', 'usable']);
  expect(stdout.trim().split('\n')).toEqual(promised);
  expect(await pg.value('SELECT count(*) FROM pg_replication_slots')).toBe('0');
});
