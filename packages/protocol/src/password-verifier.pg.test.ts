import { startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { connectSql } from './connect.ts';
import { isVerifierOf, scramVerifier } from './password-verifier.ts';
import { resolveConnection } from './resolve-connection.ts';

const { signal } = new AbortController();

test('a server takes the verifier as it is, and lets the password in; its own verifiers are recognised', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1, hba: ['host all known 127.0.0.1/32 scram-sha-256'] });
  const password = 'Sesam öffne dich';
  const verifier = await scramVerifier(password);
  await pg.query(`create role known login password '${verifier}'`);
  expect(await pg.value(`select rolpassword from pg_authid where rolname = 'known'`)).toBe(verifier);
  const conninfo = pg.conninfo({ user: 'known', password });
  await using sql = await connectSql(await resolveConnection(conninfo, { environment: {} }), { signal });
  expect(await sql.query('select current_user as me')).toEqual([{ me: 'known' }]);

  for (const method of ['scram-sha-256', 'md5']) {
    await pg.query(`set password_encryption = '${method}'; alter role known password '${password}'`);
    const stored = (await pg.value(`select rolpassword from pg_authid where rolname = 'known'`))!;
    expect(await isVerifierOf(stored, password, 'known'), method).toBe(true);
    expect(await isVerifierOf(stored, 'Sesam', 'known'), method).toBe(false);
  }
});
