import { backend, type ScriptedServer } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import { connectReplication, connectSql } from './connect.ts';
import type { TargetSession } from './connection-parameters.ts';
import { testHost, testParameters } from './parameters.test-support.ts';
import { refuse, serve } from './scripted-server.test-support.ts';

const { signal } = new AbortController();

/** What a scripted server is. */
interface Kind {
  readonly inRecovery: boolean;
  /** `default_transaction_read_only`. */
  readonly isReadOnly?: boolean;
}

/** A server that reports what it is, as PostgreSQL 14 and later do, or answers questions, as those before do. */
async function serveAs({ inRecovery, isReadOnly = false }: Kind, version: '18.4' | '13.23'): Promise<ScriptedServer> {
  const [hotStandby, byDefault] = [inRecovery, isReadOnly].map((yes) => (yes ? 'on' : 'off')) as [string, string];
  const reported = version === '18.4' ? { in_hot_standby: hotStandby, default_transaction_read_only: byDefault } : {};
  const answers: Readonly<Record<string, string>> = {
    'SHOW transaction_read_only': inRecovery || isReadOnly ? 'on' : 'off',
    'SHOW default_transaction_read_only': byDefault,
    'SELECT pg_catalog.pg_is_in_recovery()': inRecovery ? 't' : 'f',
  };
  return await serve(async (client) => {
    await client.welcome(backend.welcome({ server_version: version, ...reported }));
    for (;;) {
      const { type, body } = await client.receive();
      if (type === 'X') return 'leave' as const;
      client.send(backend.result(['answer'], [answers[body.subarray(0, -1).toString()] ?? 'unexpected question']));
    }
  });
}

/** Connects to the first suitable one of the servers, and gives its place in the list; or the error. */
async function chosen(
  servers: readonly ScriptedServer[],
  targetSession: TargetSession,
  purpose = connectReplication,
): Promise<unknown> {
  const hosts = servers.map(({ port }) => testHost({ port }));
  try {
    await using connection = await purpose({ ...testParameters({ port: 1, targetSession }), hosts }, { signal });
    expect(connection.backendPid).toBe(4711);
  } catch (error) {
    return error;
  }
  return servers.findLastIndex(({ accepted }) => accepted > 0);
}

describe.each(['18.4', '13.23'] as const)('on servers of version %s', (version) => {
  test.each<[TargetSession, number]>([
    ['any', 0],
    ['read-write', 2],
    ['read-only', 0],
    ['primary', 1],
    ['standby', 0],
    ['prefer-standby', 0],
  ])('target_session_attrs=%s takes, of a standby, a read-only and an ordinary primary, number %i', async (target, expected) => {
    await using standby = await serveAs({ inRecovery: true }, version);
    await using readOnly = await serveAs({ inRecovery: false, isReadOnly: true }, version);
    await using primary = await serveAs({ inRecovery: false }, version);
    const servers = [standby, readOnly, primary];
    // Before 14 a walsender cannot tell a read-only primary from a standby, and so it is passed over.
    const isUnclear = version === '13.23' && target === 'primary';
    expect(await chosen(servers, target)).toBe(isUnclear ? 2 : expected);
    expect(await chosen(servers, target, connectSql as unknown as typeof connectReplication)).toBe(isUnclear ? 2 : expected);
  });

  test.each<[TargetSession, Kind, string]>([
    ['read-write', { inRecovery: true }, 'session is read-only'],
    ['read-write', { inRecovery: false, isReadOnly: true }, 'session is read-only'],
    ['read-only', { inRecovery: false }, 'session is not read-only'],
    ['primary', { inRecovery: true }, 'server is in hot standby mode'],
    ['standby', { inRecovery: false }, 'server is not in hot standby mode'],
  ])('target_session_attrs=%s refuses the only server when it is %j', async (target, kind, problem) => {
    await using server = await serveAs(kind, version);
    expect(await chosen([server], target)).toMatchObject({
      code: 'ERR_TARGET_SESSION',
      retry: 'retry',
      message: `connection to server at "127.0.0.1", port ${server.port} failed: ${problem}`,
    });
  });

  test('target_session_attrs=prefer-standby takes the primary in a second search when there is no standby', async () => {
    await using down = await serve(refuse('57P03', 'the database system is starting up'));
    await using primary = await serveAs({ inRecovery: false }, version);
    expect(await chosen([down, primary], 'prefer-standby')).toBe(1);
    expect([down.accepted, primary.accepted]).toEqual([2, 2]);
  });
});

test.each(['primary', 'standby'] as const)(
  'a walsender before 14 that cannot tell is refused with what to do, for %s',
  async (target) => {
    await using server = await serveAs({ inRecovery: target === 'standby', isReadOnly: true }, '13.23');
    expect(await chosen([server], target)).toMatchObject({
      code: 'ERR_TARGET_SESSION',
      message: expect.stringContaining('does not tell whether it is in hot standby mode') as string,
      hint: expect.stringContaining("options='-c default_transaction_read_only=off'") as string,
    });
    const asSql = await chosen([server], target, connectSql as unknown as typeof connectReplication);
    expect(asSql).toBe(0);
  },
);

test('a server that refuses us ends the search, also for a kind of server', async () => {
  await using standby = await serveAs({ inRecovery: true }, '18.4');
  await using refusing = await serve(refuse('28P01', 'password authentication failed'));
  await using primary = await serveAs({ inRecovery: false }, '18.4');
  expect(await chosen([standby, refusing, primary], 'primary')).toMatchObject({ code: 'ERR_AUTHENTICATION', sqlState: '28P01' });
  expect([standby.accepted, refusing.accepted, primary.accepted]).toEqual([1, 1, 0]);
});

test('when no server is suitable the error tells what each one is', async () => {
  await using first = await serveAs({ inRecovery: true }, '18.4');
  await using second = await serve(refuse('57P03', 'the database system is shutting down'));
  expect(await chosen([first, second], 'read-write')).toMatchObject({
    code: 'ERR_CONNECT',
    retry: 'retry',
    message: [
      `no suitable server was found: connection to server at "127.0.0.1", port ${first.port} failed: session is read-only`,
      `server at "127.0.0.1", port ${second.port}: the database system is shutting down`,
    ].join('; '),
  });
});

test('load_balance_hosts=random begins at every host, and tries all of them', async () => {
  await using first = await serve(refuse('57P03', 'starting up'));
  await using second = await serve(refuse('57P03', 'starting up'));
  const hosts = [first, second].map(({ port }) => testHost({ port }));
  const begun = new Set<string>();
  // One order in 2^40 of all that could come is the same each time.
  for (let round = 0; round < 40 && begun.size < 2; round += 1) {
    const parameters = { ...testParameters({ port: 1, inRandomOrder: true }), hosts };
    const error = (await connectReplication(parameters, { signal }).catch((caught: unknown) => caught)) as Error;
    begun.add(/port (\d+)/.exec(error.message)?.[1] ?? '');
    expect(first.accepted).toBe(second.accepted);
  }
  expect(begun.size).toBe(2);
});
