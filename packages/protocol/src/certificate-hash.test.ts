import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificateHash } from './certificate-hash.ts';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'walvault-certificate-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** A self-signed certificate by openssl, which must be on the machine, in DER. */
async function certificate(name: string, options: readonly string[]): Promise<Buffer> {
  const file = join(directory, name);
  const common = ['-x509', '-nodes', '-subj', '/CN=localhost', '-keyout', join(directory, `${name}.key`), '-out', file];
  await promisify(execFile)('openssl', ['req', ...options, ...common]);
  return new X509Certificate(await readFile(file)).raw;
}

const rsa = ['-newkey', 'rsa:2048'];
const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
const pss = ['-sigopt', 'rsa_padding_mode:pss'];

describe('channel binding data', () => {
  test.each([
    ['rsa-sha256', [...rsa, '-sha256'], 'sha256'],
    ['rsa-sha384', [...rsa, '-sha384'], 'sha384'],
    ['rsa-sha512', [...rsa, '-sha512'], 'sha512'],
    ['rsa-sha224', [...rsa, '-sha224'], 'sha224'],
    ['rsa-sha1', [...rsa, '-sha1'], 'sha256'],
    ['pss-sha256', [...rsa, ...pss, '-sha256'], 'sha256'],
    ['pss-sha384', [...rsa, ...pss, '-sha384'], 'sha384'],
    ['pss-sha1', [...rsa, ...pss, '-sha1'], 'sha256'],
    ['ecdsa-sha256', [...ec, '-sha256'], 'sha256'],
    ['ecdsa-sha384', [...ec, '-sha384'], 'sha384'],
    ['ecdsa-sha512', [...ec, '-sha512'], 'sha512'],
  ])('of a certificate signed with %s is taken with the right hash', async (name, options, expected) => {
    const der = await certificate(name, options);
    expect(certificateHash(der)).toEqual(createHash(expected).update(der).digest());
  });

  test('does not exist for a signature without a hash function', async () => {
    expect(certificateHash(await certificate('ed25519', ['-newkey', 'ed25519']))).toBeUndefined();
  });

  test('does not exist for what is no certificate', () => {
    for (const bytes of ['', '30', '3003', '30820000', '3080', '30ff01', '300430023000']) {
      expect(certificateHash(Buffer.from(bytes, 'hex'))).toBeUndefined();
    }
  });
});
