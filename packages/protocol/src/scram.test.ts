import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AuthenticationError } from './errors.ts';
import { type ScramBinding, ScramClient } from './scram.ts';

const unbound: ScramBinding = { gs2Header: 'n,,', data: Buffer.alloc(0) };
/** The example of RFC 7677, section 3. */
const rfc = {
  options: { password: 'pencil', binding: unbound, clientNonce: 'rOprNGfwEbeRWgbNEkqO', userName: 'user' },
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

/** What a server that knows the password answers to our last message. */
function serverFinal(password: string, client: ScramClient, serverFirst: string, clientFinal: string): string {
  const [, salt = '', iterations = ''] = /s=([^,]+),i=(\d+)/.exec(serverFirst) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const bare = client.clientFirst.replace(/^[^,]*,,/, '');
  const exchange = `${bare},${serverFirst},${clientFinal.replace(/,p=.*$/, '')}`;
  const key = createHmac('sha256', salted).update('Server Key').digest();
  return `v=${createHmac('sha256', key).update(exchange).digest('base64')}`;
}

/** Whether a client with one password and a server with another agree. */
async function agree(clientPassword: string, serverPassword: string): Promise<boolean> {
  const client = new ScramClient({ password: clientPassword, binding: unbound, clientNonce: 'abc' });
  const serverFirst = 'r=abcdef,s=c2FsdA==,i=1';
  const final = serverFinal(serverPassword, client, serverFirst, await client.clientFinal(serverFirst));
  try {
    client.verifyServer(final);
    return true;
  } catch {
    return false;
  }
}

describe('SCRAM-SHA-256', () => {
  test('follows the example of RFC 7677', async () => {
    const client = new ScramClient(rfc.options);
    expect(client.clientFirst).toBe(rfc.clientFirst);
    expect(await client.clientFinal(rfc.serverFirst)).toBe(rfc.clientFinal);
    expect(() => client.verifyServer(rfc.serverFinal)).not.toThrow();
  });

  test('carries the hash of the certificate when it is bound to the channel', async () => {
    const data = createHash('sha256').update('certificate').digest();
    const client = new ScramClient({
      password: 'pencil',
      binding: { gs2Header: 'p=tls-server-end-point,,', data },
      clientNonce: 'abc',
    });
    expect(client.clientFirst).toBe('p=tls-server-end-point,,n=,r=abc');
    const final = await client.clientFinal('r=abcdef,s=c2FsdA==,i=1');
    const [, channel = ''] = /^c=([^,]+),/.exec(final) ?? [];
    expect(Buffer.from(channel, 'base64')).toEqual(Buffer.concat([Buffer.from('p=tls-server-end-point,,'), data]));
  });

  test('takes a nonce of its own each time', () => {
    const first = new ScramClient({ password: 'x', binding: unbound }).clientFirst;
    expect(first).toMatch(/^n,,n=,r=[A-Za-z0-9+/]{24}$/);
    expect(new ScramClient({ password: 'x', binding: unbound }).clientFirst).not.toBe(first);
  });

  test.each([
    ['a soft hyphen counts for nothing', 'I\u00ADX', 'IX'],
    ['compatibility forms are the plain ones', '\u2168', 'IX'],
    ['another blank is a blank', 'a\u00A0b', 'a b'],
    ['what SASLprep forbids stays as it is', 'pa\u0007ss', 'pa\u0007ss'],
    ['a mix of directions stays as it is', '\u0627x1', '\u0627x1'],
    ['what SASLprep leaves nothing of stays as it is', '\u00AD', '\u00AD'],
  ])('%s in a password', async (_name, given, stored) => {
    expect(await agree(given, stored)).toBe(true);
    expect(await agree(given, `${stored}!`)).toBe(false);
  });

  test.each([
    ['that does not extend ours', 'r=other,s=c2FsdA==,i=4096', /nonce/],
    ['that adds nothing', 'r=abc,s=c2FsdA==,i=4096', /nonce/],
    ['without a salt', 'r=abcdef,i=4096', /malformed/],
    ['with no rounds', 'r=abcdef,s=c2FsdA==,i=0', /malformed/],
    ['with more rounds than anybody needs', 'r=abcdef,s=c2FsdA==,i=2000000000', /2000000000 SCRAM rounds/],
    ['with an extension that we do not know', 'm=x,r=abcdef,s=c2FsdA==,i=1', /malformed/],
  ])('a first message of the server %s is refused', async (_name, serverFirst, expected) => {
    const client = new ScramClient({ password: 'x', binding: unbound, clientNonce: 'abc' });
    await expect(client.clientFinal(serverFirst)).rejects.toThrow(AuthenticationError);
    await expect(client.clientFinal(serverFirst)).rejects.toThrow(expected);
  });

  test.each([
    ['another signature', `v=${Buffer.alloc(32).toString('base64')}`, /did not prove/],
    ['a signature of another length', 'v=AAAA', /did not prove/],
    ['none', '', /did not prove/],
    ['an error', 'e=other-error', /other-error/],
  ])('a server that ends with %s is refused', async (_name, final, expected) => {
    const client = new ScramClient(rfc.options);
    await client.clientFinal(rfc.serverFirst);
    expect(() => client.verifyServer(final)).toThrow(expected);
  });

  test('no signature is good before the exchange', () => {
    expect(() => new ScramClient(rfc.options).verifyServer(rfc.serverFinal)).toThrow(/did not prove/);
  });
});
