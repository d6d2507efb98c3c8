import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { int32, message, parameterStatus, ready, type ScriptedClient, scriptedServer } from '../testing/scripted-server.ts';
import { testParameters } from '../testing/parameters.ts';
import { connectReplication } from './connect.ts';
import type { ChannelBinding } from './connection-parameters.ts';

const { signal } = new AbortController();
const ok = message('R', int32(0));
const saslRequest = (...mechanisms: string[]): Buffer => message('R', int32(10), `${mechanisms.join('\0')}\0\0`);

/** Connects to a server that authenticates by a script, and gives the error, or the connection's process id. */
async function outcome(
  script: (client: ScriptedClient) => Promise<void>,
  options: { password?: string; channelBinding?: ChannelBinding } = {},
): Promise<unknown> {
  await using server = await scriptedServer(async (client) => {
    await client.startupPacket();
    await script(client);
    client.send(parameterStatus('server_version', '18.4'), message('K', int32(77), int32(88)), ready);
  });
  try {
    await using connection = await connectReplication(testParameters({ port: server.port, ...options }), { signal });
    return connection.backendPid;
  } catch (error) {
    return error;
  }
}

/** Plays the server's part of SCRAM up to its last message, which it gives. */
async function scram(client: ScriptedClient, password: string): Promise<string> {
  client.send(saslRequest('SCRAM-SHA-256'));
  const initial = (await client.expect('p')).toString();
  const bare = initial.slice(initial.indexOf('n='));
  const serverFirst = `r=${bare.slice(5)}server,s=c2FsdA==,i=4096`;
  client.send(message('R', int32(11), serverFirst));
  const final = (await client.expect('p')).toString();
  const salted = pbkdf2Sync(password, 'salt', 4096, 32, 'sha256');
  const exchange = `${bare},${serverFirst},${final.replace(/,p=.*$/, '')}`;
  const key = createHmac('sha256', salted).update('Server Key').digest();
  return `v=${createHmac('sha256', key).update(exchange).digest('base64')}`;
}

describe('authentication', () => {
  test('sends a password in clear when asked for it', async () => {
    let sent = '';
    const script = async (client: ScriptedClient): Promise<void> => {
      client.send(message('R', int32(3)));
      sent = (await client.expect('p')).toString();
      client.send(ok);
    };
    expect(await outcome(script, { password: 'secret' })).toBe(77);
    expect(sent).toBe('secret\0');
  });

  test('answers the MD5 challenge', async () => {
    let sent = '';
    const salt = Buffer.of(1, 2, 3, 4);
    const script = async (client: ScriptedClient): Promise<void> => {
      client.send(message('R', int32(5), salt));
      sent = (await client.expect('p')).toString();
      client.send(ok);
    };
    expect(await outcome(script, { password: 'secret' })).toBe(77);
    const inner = createHash('md5').update('secretpostgres').digest('hex');
    expect(sent).toBe(`md5${createHash('md5').update(inner).update(salt).digest('hex')}\0`);
  });

  test('goes through SCRAM with a server that knows the password', async () => {
    const script = async (client: ScriptedClient): Promise<void> => {
      client.send(message('R', int32(12), await scram(client, 'secret')), ok);
    };
    expect(await outcome(script, { password: 'secret' })).toBe(77);
  });

  test('says that a password is missing, before it sends anything', async () => {
    for (const code of [3, 10]) {
      const request = code === 3 ? message('R', int32(3)) : saslRequest('SCRAM-SHA-256');
      const error = await outcome(async (client) => client.send(request));
      expect(error).toMatchObject({
        code: 'ERR_AUTHENTICATION',
        sqlState: undefined,
        message: 'the server asks for the password of user "postgres", and none is given',
        hint: expect.stringContaining('PGPASSWORD') as string,
      });
    }
  });
});

describe('a server that only pretends', () => {
  test.each([
    ['says "ok" in the middle of SCRAM', async (client: ScriptedClient) => client.send(saslRequest('SCRAM-SHA-256'), ok)],
    [
      'says "ok" without proving that it knows the password',
      async (client: ScriptedClient) => {
        await scram(client, 'secret');
        client.send(ok);
      },
    ],
    [
      'proves another password',
      async (client: ScriptedClient) => client.send(message('R', int32(12), await scram(client, 'other')), ok),
    ],
    ['sends its proof before the exchange', async (client: ScriptedClient) => client.send(message('R', int32(12), 'v=AAAA'), ok)],
    ['sends its challenge before the exchange', async (client: ScriptedClient) => client.send(message('R', int32(11), 'r=a'))],
    [
      'asks for the password in clear after SCRAM has begun',
      async (client: ScriptedClient) => client.send(saslRequest('SCRAM-SHA-256'), message('R', int32(3))),
    ],
    [
      'begins SCRAM twice',
      async (client: ScriptedClient) => client.send(saslRequest('SCRAM-SHA-256'), saslRequest('SCRAM-SHA-256')),
    ],
    ['offers channel binding without TLS', async (client: ScriptedClient) => client.send(saslRequest('SCRAM-SHA-256-PLUS'))],
  ])('and %s is refused', async (_name, script) => {
    expect(await outcome(script, { password: 'secret' })).toMatchObject({ code: 'ERR_AUTHENTICATION', retry: 'fatal' });
  });

  test('and asks for what we do not have is refused by name', async () => {
    const error = await outcome(async (client) => client.send(saslRequest('OAUTHBEARER')), { password: 'secret' });
    expect(error).toMatchObject({ message: 'the server offers only authentication that is not supported: OAUTHBEARER' });
    const gss = await outcome(async (client) => client.send(message('R', int32(7))));
    expect(gss).toMatchObject({ message: 'the server asks for GSSAPI authentication, which is not supported' });
  });

  test.each([
    ['trust', async (client: ScriptedClient) => client.send(ok)],
    ['a password in clear', async (client: ScriptedClient) => client.send(message('R', int32(3)))],
    ['SCRAM without binding', async (client: ScriptedClient) => client.send(saslRequest('SCRAM-SHA-256'))],
  ])('%s is not enough where channel binding is required', async (_name, script) => {
    const error = await outcome(script, { password: 'secret', channelBinding: 'require' });
    expect(error).toMatchObject({
      code: 'ERR_AUTHENTICATION',
      message: 'channel_binding is required, but the server does not authenticate with it',
    });
  });
});
