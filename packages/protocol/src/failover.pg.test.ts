import { type Cluster, createStandby, type PostgresMajor, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectReplication, connectSql } from './connect.ts';
import type { ConnectionParameters } from './connection-parameters.ts';
import { resolveConnection } from './resolve-connection.ts';

const { signal } = new AbortController();

// 13 does not report what it is, so it is asked; from 14 on servers report it.
describe.each<PostgresMajor>([13, 18])('a primary and its standby, PostgreSQL %i', (major) => {
  let primary: Cluster;
  let standby: Cluster;

  beforeAll(async () => {
    primary = await startCluster({ major, segmentSizeMb: 1 });
    standby = await createStandby(primary);
  });
  afterAll(async () => {
    await standby?.[Symbol.asyncDispose]();
    await primary?.[Symbol.asyncDispose]();
  });

  /** Parameters with both servers as hosts, the standby first. */
  async function both(extra: string, replication: boolean): Promise<ConnectionParameters> {
    const conninfo = `host=127.0.0.1,127.0.0.1 port=${standby.port},${primary.port} user=postgres dbname=postgres ${extra}`;
    return await resolveConnection(conninfo, { replication, environment: {} });
  }

  /** Which of the two servers takes a walsender, or the error; the same must come for SQL, unless it is said otherwise. */
  async function choice(extra: string): Promise<string> {
    await using connection = await connectReplication(await both(extra, true), { signal });
    await using sql = await connectSql(await both(extra, false), { signal });
    const [row] = await sql.query('show port');
    const ofWalsender = await connection.show('port');
    expect(row).toEqual({ port: ofWalsender });
    return Number(ofWalsender) === primary.port ? 'primary' : 'standby';
  }

  const expected = {
    any: 'standby',
    'read-write': 'primary',
    'read-only': 'standby',
    primary: 'primary',
    standby: 'standby',
    'prefer-standby': 'standby',
  };

  test.each(Object.entries(expected))('target_session_attrs=%s takes the %s', async (target, server) => {
    expect(await choice(`target_session_attrs=${target}`)).toBe(server);
  });

  test('a primary whose transactions are read-only by setting is a primary all the same', async () => {
    const open = async (extra: Record<string, string>): Promise<void> => {
      const parameters = await resolveConnection(primary.conninfo(extra), { replication: true, environment: {} });
      await (await connectReplication(parameters, { signal }))[Symbol.asyncDispose]();
    };
    const failure = async (extra: Record<string, string>): Promise<unknown> => open(extra).catch((error: unknown) => error);
    await primary.query(`alter system set default_transaction_read_only = on`);
    await primary.query('select pg_reload_conf()');
    await primary.waitFor(`select current_setting('default_transaction_read_only')::bool`);
    await open({ target_session_attrs: 'read-only' });
    expect(await failure({ target_session_attrs: 'read-write' })).toMatchObject({ code: 'ERR_TARGET_SESSION', retry: 'retry' });
    const asPrimary = await failure({ target_session_attrs: 'primary' });
    if (major >= 14) expect(asPrimary).toBeUndefined();
    else {
      // The hint says how, and it helps.
      const [, options = ''] = /options='([^']+)'/.exec((asPrimary as { hint: string }).hint) ?? [];
      await open({ target_session_attrs: 'primary', options });
      expect(await failure({ target_session_attrs: 'standby', options })).toMatchObject({ code: 'ERR_TARGET_SESSION' });
    }
  });

  test('after a promotion the same host list leads to the new primary', async () => {
    await primary.kill();
    const target = 'target_session_attrs=read-write';
    await expect(choice(target)).rejects.toMatchObject({
      code: 'ERR_CONNECT',
      retry: 'retry',
      message: expect.stringMatching(/^no suitable server was found: .*session is read-only; .*connection refused$/) as string,
    });
    await standby.promote();
    for (const wanted of [target, 'target_session_attrs=primary', 'target_session_attrs=prefer-standby']) {
      await using connection = await connectReplication(await both(wanted, true), { signal });
      const { timelineId } = await connection.identifySystem();
      expect([await connection.show('port'), timelineId]).toEqual([String(standby.port), 2]);
    }
  });
});
