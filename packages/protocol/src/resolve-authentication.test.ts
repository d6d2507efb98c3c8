import { describe, expect, test } from 'vitest';
import type { ConnectionParameters } from './connection-parameters.ts';
import type { ConninfoOverrides } from './connection-settings.ts';
import { resolveConnection } from './resolve-connection.ts';

const resolve = (overrides: ConninfoOverrides): Promise<ConnectionParameters> =>
  resolveConnection('host=pg user=u', { environment: {}, homeDirectory: '/nowhere', overrides });

/** What a value allows. */
const methods = async (value: string): Promise<string[]> => [
  ...((await resolve({ require_auth: value })).requiredAuthentication?.methods ?? ['everything']),
];

describe('require_auth', () => {
  test.each([
    ['', ['everything']],
    ['scram-sha-256', ['scram-sha-256']],
    ['md5,scram-sha-256', ['md5', 'scram-sha-256']],
    ['scram-sha-256,gss', ['scram-sha-256']],
    ['none', ['none']],
    ['none,password', ['password', 'none']],
    ['!password', ['md5', 'scram-sha-256', 'none']],
    ['!password,!md5,!none', ['scram-sha-256']],
    ['!gss,!sspi,!oauth', ['password', 'md5', 'scram-sha-256', 'none']],
  ])('%j allows %j', async (value, expected) => {
    expect(await methods(value)).toEqual(expected);
  });

  test.each([
    ['scram', /^Methods are /],
    ['scram-sha-256-plus', /^Methods are /],
    ['md5,', /^Methods are /],
    ['md5, scram-sha-256', /^Methods are /],
    ['!', /^Methods are /],
    ['!!md5', /^Methods are /],
    ['md5,!password', /^Methods with "!" cannot be mixed/],
    ['!md5,password', /^Methods with "!" cannot be mixed/],
    ['md5,password,md5', /^The method md5 is given more than once\.$/],
    ['!none,!none', /^The method none is given more than once\.$/],
  ])('%j is not allowed', async (value, hint) => {
    await expect(methods(value)).rejects.toMatchObject({
      code: 'ERR_INVALID_CONNINFO',
      message: `invalid value "${value}" for connection parameter require_auth`,
      hint: expect.stringMatching(hint) as string,
    });
  });

  test.each(['gss', 'sspi,oauth', '!password,!md5,!scram-sha-256,!none'])(
    '%j leaves nothing that is possible here',
    async (value) => {
      await expect(methods(value)).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED_CONNINFO',
        message: `connection parameter require_auth=${value} is not supported`,
      });
    },
  );
});

describe('keys for SCRAM', () => {
  const key = Buffer.alloc(32, 7).toString('base64');

  test('are 32 bytes in base64', async () => {
    expect((await resolve({ scram_client_key: key })).scramKeys).toEqual({
      clientKey: Buffer.alloc(32, 7),
      serverKey: undefined,
    });
  });

  test.each(['s3cret', Buffer.alloc(31).toString('base64'), `${key}!`])(
    'are refused otherwise, and not shown: %s',
    async (value) => {
      const refusal = resolve({ scram_server_key: value });
      await expect(refusal).rejects.toMatchObject({
        code: 'ERR_INVALID_CONNINFO',
        message: 'invalid value for connection parameter scram_server_key',
        hint: 'The key must be 32 bytes in base64.',
      });
    },
  );
});
