import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { backend } from '@walvault/testkit';
import type { Logger } from '@walvault/wal';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectReplication } from './connect.ts';
import { parseConninfo } from './conninfo.ts';
import { describeConnection, redactConninfo } from './describe-connection.ts';
import { resolveConnection, type ResolveConnectionOptions } from './resolve-connection.ts';
import { fatal, type Script, serve } from './scripted-server.test-support.ts';

const { signal } = new AbortController();
const secret = 's3cr3t';

let home: string;
let said: string[];
let log: Logger;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'walvault-home-'));
  said = [];
  const say = (fields: unknown, message?: unknown): void => void said.push(inspect([fields, message], { depth: 9 }));
  log = { debug: say, info: say, warn: say, error: say };
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** All that a person could get to see of an error: message, hint, stack, every property, causes and their properties. */
function everythingOf(error: unknown): string {
  return `${inspect(error, { depth: 9, showHidden: true })} ${error instanceof Error ? error.stack : ''}`;
}

/** What one gets to see when a conninfo is resolved and connected to, which must fail. */
async function shown(conninfo: string, options: ResolveConnectionOptions = {}): Promise<string> {
  said = [];
  const error: unknown = await (async () => {
    const resolved = await resolveConnection(conninfo, {
      replication: true,
      environment: {},
      homeDirectory: home,
      log,
      ...options,
    });
    said.push(describeConnection(resolved));
    await connectReplication(resolved, { signal, log });
  })().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(Error);
  return [everythingOf(error), ...said].join('\n');
}

/** Ways in which a server refuses us, or we it, after it has been given the chance to learn the password. */
const failing: Readonly<Record<string, Script>> = {
  'the password is wrong': async (client) => {
    await client.startup();
    client.send(backend.authenticationCleartextPassword());
    await client.expect('p');
    client.send(fatal({ C: '28P01', M: 'password authentication failed for user "u"' }));
  },
  'MD5 is refused': async (client) => {
    await client.startup();
    client.send(backend.authenticationMd5Password(Buffer.of(1, 2, 3, 4)));
    await client.expect('p');
    client.send(fatal({ C: '28P01', M: 'no' }));
  },
  'SCRAM goes wrong': async (client) => {
    await client.startup();
    client.send(backend.authenticationSasl(['SCRAM-SHA-256']));
    await client.expect('p');
    client.send(backend.authenticationSaslContinue('nonsense'));
  },
  'the server starts up': async (client) => {
    await client.startup();
    client.send(fatal({ C: '57P03', M: 'the database system is starting up' }));
  },
  'the server leaves': async (client) => {
    await client.startup();
    return 'leave' as const;
  },
  'the server talks nonsense': async (client) => {
    await client.startup();
    client.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
  },
};

describe('no error and no line of the log shows a password', () => {
  test.each(Object.entries(failing))('when %s', async (_name, script) => {
    await using server = await serve(script);
    const place = `host=127.0.0.1,127.0.0.1 port=${server.port},1 user=u dbname=d sslmode=disable`;
    expect(await shown(`${place} password=${secret}`)).not.toContain(secret);
    expect(await shown(place, { environment: { PGPASSWORD: secret } })).not.toContain(secret);
    await writeFile(join(home, '.pgpass'), `*:*:*:*:${secret}\n`, { mode: 0o600 });
    expect(await shown(place)).not.toContain(secret);
    expect(await shown(`postgresql://u:%73${secret.slice(1)}@127.0.0.1:${server.port}/d?sslmode=disable`)).not.toContain(secret);
  });

  test('when nobody listens, no name is found, or the password file cannot be used', async () => {
    await writeFile(join(home, '.pgpass'), `*:*:*:*:${secret}\n`, { mode: 0o644 });
    expect(await shown(`host=127.0.0.1,no-such-host.invalid port=1 password=${secret}`)).not.toContain(secret);
    expect(await shown('host=127.0.0.1 port=1')).not.toContain(secret);
    expect(await shown(`host=127.0.0.1 port=1 sslpassword=${secret}`)).not.toContain(secret);
  });

  test.each(['oauth_client_secret', 'scram_client_key', 'scram_server_key', 'sslpassword'])(
    'when %s is refused or has no use',
    async (keyword) => {
      expect(await shown(`host=127.0.0.1 port=1 ${keyword}=${secret}`)).not.toContain(secret);
      await writeFile(join(home, '.pg_service.conf'), `[pg]\nhost=127.0.0.1\nport=1\n${keyword}=${secret}\n`);
      expect(await shown('service=pg')).not.toContain(secret);
    },
  );

  test('when the service file is malformed round it', async () => {
    for (const line of [`password = ${secret}`, `password ${secret}`, `passwort=${secret}`, secret, `password=x\n${secret}=1`]) {
      await writeFile(join(home, '.pg_service.conf'), `[pg]\nhost=127.0.0.1\nport=1\n${line}\n`);
      expect(await shown('service=pg')).not.toContain(secret);
    }
  });
});

/** The pieces of a password that could be taken for something else are long enough to be known again. */
function expectHidden(conninfo: string): void {
  const texts = [redactConninfo(conninfo)];
  try {
    parseConninfo(conninfo);
  } catch (error) {
    texts.push(everythingOf(error));
  }
  for (const text of texts) expect(text).not.toContain(secret);
}

describe('a conninfo that is malformed', () => {
  /** Something that a parser may trip over, with a piece of a password before or behind it. */
  const noise = fc.string({
    unit: fc.constantFrom('a', ' ', "'", '\\', '=', '&', '%', '@', ':', '/', '?', '#', ',', '[', ']', '\n'),
    maxLength: 12,
  });

  test('never shows the password, wherever the string breaks behind or inside it', () => {
    const property = fc.property(noise, noise, (inside, behind) => {
      expectHidden(`host=pg user=u password=${inside}${secret}${behind}`);
      expectHidden(`host=pg user=u password='${inside.replaceAll(/['\\]/g, '')}${secret}${behind}`);
      expectHidden(`postgresql://u:${inside}${secret}@pg/d${behind}`);
      expectHidden(`postgresql://u:x@pg/d?password=${inside}${secret}${behind}`);
      expectHidden(`postgresql://pg?password=${inside}${secret}${behind}`);
      expectHidden(`postgresql://pg:1?user=u&sslpassword=${inside}${secret}${behind}`);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test('never shows it when it is percent-encoded, rightly or wrongly', () => {
    const encoded = Array.from(secret, (character) => `%${character.charCodeAt(0).toString(16)}`).join('');
    for (const behind of ['', '%', '%zz', '%00', '@', '@@pg', '@pg:port', '@[::1', '@pg/d?x', '@pg/d?sslmod=on', '@pg/d?a=b=c']) {
      const uri = `postgresql://u:${encoded}${behind}`;
      expectHidden(uri);
      let text = redactConninfo(uri);
      try {
        parseConninfo(uri);
      } catch (error) {
        text += everythingOf(error);
      }
      expect(text).not.toContain(encoded);
    }
  });
});
