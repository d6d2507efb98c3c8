/** The README's example does what the README says, against a real server that it finds by libpq's environment variables. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';

const packageDirectory = fileURLToPath(new URL('..', import.meta.url));

/** Runs TypeScript on stdin with the package as working directory, so that its own name resolves and no file is left behind. */
async function run(code: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const args = ['--conditions=@walvault/source', '--input-type=module-typescript', '-'];
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile(process.execPath, args, { cwd: packageDirectory, env: environment }, (error, stdout) =>
    error === null ? resolve(stdout) : reject(error),
  );
  child.stdin?.end(code);
  return await promise;
}

test('the example of the README prints what the README says', async () => {
  const readme = await readFile(`${packageDirectory}/README.md`, 'utf8');
  const [, code = '', output = ''] = /^```ts\n(.*?)^```\n.*?^```text\n(.*?)^```$/ms.exec(readme) ?? [];
  expect(code).not.toBe('');
  await using pg = await startCluster({ major: 18, segmentSizeMb: 1 });
  const { PATH } = process.env;
  const environment = { PATH, HOME: packageDirectory, PGHOST: pg.host, PGPORT: String(pg.port), PGUSER: pg.superuser };
  expect(await run(code, environment)).toBe(output);
});
