import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { freePort, runAsServerUser, startAsServerUser } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { unreachable } from '../api/silent-app.test-support.ts';
import { configured } from '../collector/configured.test-support.ts';
import { Prometheus } from './prometheus.test-support.ts';

const executable = fileURLToPath(new URL('../../bin/walvault-web-status.js', import.meta.url));

test('Prometheus scrapes the executable with a token, below a base path', async () => {
  await using fixture = await configured({ pg: unreachable });
  const tokenFile = join(fixture.home, 'token');
  await runAsServerUser(['sh', '-c', 'umask 077; echo 0123456789abcdef0123456789abcdef >"$0"', tokenFile]);
  const listen = `127.0.0.1:${await freePort()}`;
  const options = ['-c', fixture.configFile, '--listen', listen, '--token-file', tokenFile, '--base-path', '/walvault'];
  await using program = await startAsServerUser([process.execPath, executable, ...options]);
  await program.waitForOutput(/listening/);
  const scrape = { metrics_path: '/walvault/metrics', authorization: { credentials_file: tokenFile } };
  await using prometheus = await Prometheus.start(listen, scrape);
  await expect.poll(async () => (await prometheus.query('walvault_server_active == 1 and on (instance) up == 1')).length).toBe(1);
  expect((await fetch(`http://${listen}/walvault/metrics`)).status).toBe(401);
});
