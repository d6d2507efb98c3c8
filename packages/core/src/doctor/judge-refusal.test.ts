import { AuthenticationError, ServerError } from '@walvault/protocol';
import { expect, test } from 'vitest';
import { wayTo } from './doctor-facts.test-support.ts';
import { hbaLine, judgeRefusal } from './judge-refusal.ts';

const context = { role: 'unknown', hbaFile: undefined, isReceiving: false } as const;
const addresses = [{ where: '', address: '10.0.0.1', localAddress: '192.168.1.9', error: undefined }];

function refused(sqlState: string, routine: string, message: string): AuthenticationError {
  const fields = new Map(Object.entries({ C: sqlState, R: routine, M: message }));
  return new AuthenticationError(message, { sqlState, cause: new ServerError(fields) });
}

test('the line for pg_hba.conf has the address that the server sees, in whatever language it says so', async () => {
  const message =
    'kein pg_hba.conf-Eintrag für Replikationsverbindung von Host »203.0.113.5«, Benutzer »barman«, keine Verschlüsselung';
  const finding = judgeRefusal(await wayTo({ addresses }, undefined), refused('28000', 'ClientAuthentication', message), context);
  expect(finding.remedy?.hba).toEqual(['host replication barman 203.0.113.5/32 scram-sha-256']);
});

test.each([
  ['IPv6', 'from host "2001:db8::5", user', 'host=db user=barman', 'host replication barman 2001:db8::5/128 scram-sha-256'],
  ['no address in the message', 'no', 'host=db user=barman', 'host replication barman 192.168.1.9/32 scram-sha-256'],
  [
    'TLS that is asked for',
    'no',
    'host=db user=barman sslmode=require',
    'hostssl replication barman 192.168.1.9/32 scram-sha-256',
  ],
  ['a user who needs quotes', 'no', 'host=db user=all', 'host replication "all" 192.168.1.9/32 scram-sha-256'],
])('the line: %s', async (_case, message, conninfo, line) => {
  expect(hbaLine(await wayTo({ addresses }, undefined, conninfo), message)).toBe(line);
});

test('the line for a Unix socket', async () => {
  const way = await wayTo({ isUnixSocket: true, host: '/run' }, undefined, 'host=/run user=barman');
  expect(hbaLine(way)).toBe('local replication barman scram-sha-256');
});

test('a role that is not there is refused like a wrong password; who can look says so', async () => {
  const error = refused('28P01', 'auth_failed', 'password authentication failed for user "barman"');
  const finding = judgeRefusal(await wayTo({ addresses }, undefined), error, { ...context, role: undefined });
  expect(finding).toMatchObject({ status: 'problem', remedy: { sql: ['CREATE ROLE barman LOGIN REPLICATION;'] } });
});

test('no place for a second connection is fine while our own receiver has one', async () => {
  const error = new ServerError(new Map(Object.entries({ C: '53300', R: 'InitProcess', M: 'too many' })));
  const way = await wayTo({ addresses }, undefined);
  expect(judgeRefusal(way, error, { ...context, isReceiving: true }).status).toBe('ok');
  expect(judgeRefusal(way, error, context)).toMatchObject({
    status: 'problem',
    remedy: { sql: ['SELECT * FROM pg_stat_replication;'] },
  });
});

test('where one option stands for both connections, the steps have different names', async () => {
  const streaming = await wayTo({ addresses }, undefined);
  const both = { ...streaming, option: 'conninfo' };
  const ways = [both, { ...both, purpose: 'sql' as const }, { ...streaming, option: 'wal_streaming_conninfo' }];
  const names = ways.map((way) => judgeRefusal(way, undefined, context).about);
  expect(names).toEqual(['conninfo, replication', 'conninfo', 'wal_streaming_conninfo']);
});
