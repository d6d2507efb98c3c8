/** The README's example does what the README says. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startAsServerUser, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';

const packageDirectory = fileURLToPath(new URL('..', import.meta.url));

test('the example of the README prints what it promises', async () => {
  const readme = readFileSync(`${packageDirectory}/README.md`, 'utf8');
  const [, code, output] = /^```ts\n(.*?)^```\n.*?^```text\n(.*?)^```$/ms.exec(readme)!;
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await pg.query('create role streaming_barman login replication; create role barman login');
  const args = ['--conditions=@walvault/source', '--input-type=module-typescript', '-'];
  const env = { PGHOST: pg.host, PGPORT: String(pg.port) };
  await using program = await startAsServerUser([process.execPath, ...args], { cwd: packageDirectory, env });
  program.endInput(code);
  await program.waitForOutput(/^streaming$/m);
  await pg.switchWal();
  expect(await program.exited).toEqual({ code: 0, signal: null, stdout: output, stderr: '' });
});
