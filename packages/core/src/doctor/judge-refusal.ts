/**
 * Authentication: why the server did not let us in, told apart by SQLSTATE, by the function of the server that said so (field R of
 * its message, which is not translated), and by what the other connection could find out. Pure.
 */
import { isIP, isIPv4 } from 'node:net';
import {
  AuthenticationError,
  ConnectError,
  type ConnectionParameters,
  quoteHba,
  quoteIdentifier,
  ServerError,
  UnsupportedServerError,
} from '@walvault/protocol';
import { type Finding, Step } from './finding.ts';
import { troubled } from './judge-way.ts';
import type { RoleRow } from './streaming-role.ts';
import type { Way } from './walk-to-server.ts';

/** What helps to say why. */
export interface RefusalContext {
  /** The role as the server has it; `unknown` when nobody could ask. */
  readonly role: RoleRow | undefined | 'unknown';
  /** Path of pg_hba.conf on the server, as far as the role of the ordinary connection may see it. */
  readonly hbaFile: string | undefined;
  /** Whether our own receiver streams, which then has the place that is not left for a second connection. */
  readonly isReceiving: boolean;
}

/** A way that ended at the door, or behind it. */
type RefusedWay = Pick<Way<unknown>, 'option' | 'purpose' | 'hosts' | 'parameters'>;

/** Judges what a connection ended with after the server was reached; `undefined` is success. */
export function judgeRefusal(way: RefusedWay, refusal: unknown, context: RefusalContext): Finding {
  const step = new Step('authentication', roadName(way));
  const user = way.parameters?.user ?? '';
  if (refusal === undefined)
    return step.ok(`the server lets "${user}" in${way.purpose === 'replication' ? ' for replication' : ''}`);
  if (refusal instanceof UnsupportedServerError) return troubled(new Step('server version', way.option), refusal);
  if (refusal instanceof AuthenticationError) return judgeAuthentication(step, way, refusal, context);
  if (refusal instanceof ConnectError) return judgeSilence(step, refusal);
  if (refusal instanceof ServerError) return judgeServerError(step, way, refusal, context);
  return troubled(step, refusal);
}

/** One option may stand for both connections: then the one for replication is named apart. */
function roadName({ option, purpose }: RefusedWay): string {
  return purpose === 'replication' && !option.endsWith('streaming_conninfo') ? `${option}, replication` : option;
}

/** A connection that was made a moment ago, and now this. */
function judgeSilence(step: Step, error: ConnectError): Finding {
  if (error.code !== 'ERR_CONNECT_TIMEOUT') return troubled(step, error);
  return step.problem(
    error.message,
    'The connection is made, but nothing is answered on it: the server hangs, starts no more processes, or is no PostgreSQL at all.',
    { words: 'Look at its log and at what its machine is busy with; and check that PostgreSQL itself listens on that port.' },
  );
}

function judgeAuthentication(step: Step, way: RefusedWay, error: AuthenticationError, context: RefusalContext): Finding {
  const user = way.parameters?.user ?? '';
  const routine = error.cause instanceof ServerError ? error.cause.routine : undefined;
  if (error.sqlState === '28000' && routine === 'ClientAuthentication') return missingHbaLine(step, way, error, context);
  if (error.sqlState === '28000' && routine === 'InitializeSessionUserId')
    return roleTrouble(step, way, error.message, context.role);
  if (error.sqlState !== '28P01') return troubled(step, error);
  if (context.role === undefined) return roleTrouble(step, way, error.message, undefined);
  const isExpired = context.role !== 'unknown' && context.role.isExpired;
  if (isExpired) {
    return step.problem(error.message, `The password of role "${user}" has expired (VALID UNTIL).`, {
      words: 'Give it a new time, or a new password.',
      sql: [`ALTER ROLE ${quoteIdentifier(user)} VALID UNTIL 'infinity';`],
    });
  }
  return step.problem(
    error.message,
    `The password that is used here is not that of role "${user}" on the server, or the role has none.`,
    {
      words: `Put the right password into the password file (~/.pgpass, one line: ${passfileLine(way)}), or give the role a new one: \\password ${quoteIdentifier(user)} in psql as superuser.`,
    },
  );
}

/** Without the password, which stays with whoever knows it. */
function passfileLine({ parameters, purpose }: RefusedWay): string {
  const [place] = parameters?.hosts ?? [];
  const database = purpose === 'replication' ? 'replication' : parameters?.database;
  return `${place?.host ?? '*'}:${place?.port ?? '*'}:${database ?? '*'}:${parameters?.user ?? '*'}:PASSWORD`;
}

function missingHbaLine(step: Step, way: RefusedWay, error: AuthenticationError, { hbaFile }: RefusalContext): Finding {
  const kind = way.purpose === 'replication' ? 'replication connections' : 'connections';
  const file = hbaFile === undefined ? 'pg_hba.conf of the server (SHOW hba_file)' : `"${hbaFile}" on the server`;
  return step.problem(
    error.message,
    `No line of pg_hba.conf lets ${kind} of this role in from here, or a line rejects them${way.purpose === 'replication' ? '; "all" in its database column does not include replication' : ''}.`,
    {
      words: `Add this line to ${file}, above any line that rejects it, and make the server read the file again.`,
      hba: [hbaLine(way, error.message)],
      sql: ['SELECT pg_reload_conf();'],
    },
  );
}

/**
 * The line that lets a connection in.
 * @param refusal the server's words, which name the address that the server sees; behind a translation of addresses that is not ours
 */
export function hbaLine({ purpose, hosts, parameters }: RefusedWay, refusal?: string): string {
  const database = purpose === 'replication' ? 'replication' : quoteHba(parameters?.database ?? 'all');
  const user = quoteHba(parameters?.user ?? 'all');
  const seen = refusal?.match(/[\d.a-fA-F:]+/g)?.find((word) => isIP(word) !== 0);
  const local = hosts.flatMap(({ addresses }) => addresses).find(({ localAddress }) => localAddress !== undefined)?.localAddress;
  const address = seen ?? local;
  const isSocket = hosts.length > 0 && hosts.every(({ isUnixSocket }) => isUnixSocket);
  if (isSocket) return `local ${database} ${user} scram-sha-256`;
  const mode = parameters?.tls.mode ?? 'prefer';
  const type = mode === 'require' || mode.startsWith('verify') ? 'hostssl' : 'host';
  const range = address === undefined ? 'ADDRESS-OF-THIS-MACHINE/32' : `${address}/${isIPv4(address) ? 32 : 128}`;
  return `${type} ${database} ${user} ${range} scram-sha-256`;
}

function roleTrouble(step: Step, way: RefusedWay, message: string, role: RoleRow | undefined | 'unknown'): Finding {
  const user = way.parameters?.user ?? '';
  const name = quoteIdentifier(user);
  const attributes = way.purpose === 'replication' ? 'LOGIN REPLICATION' : 'LOGIN';
  if (role === undefined || role === 'unknown') {
    const maybe = role === 'unknown' ? `, or it may not log in (then: ALTER ROLE ${name} LOGIN;)` : '';
    return step.problem(message, `The server has no role "${user}"${maybe}.`, {
      words: `Create it, and give it a password by \\password ${name} in psql. "walvault setup" prints all that it needs.`,
      sql: [`CREATE ROLE ${name} ${attributes};`],
    });
  }
  return step.problem(message, `Role "${user}" may not log in.`, {
    words: 'Let it.',
    sql: [`ALTER ROLE ${name} ${attributes};`],
  });
}

function judgeServerError(step: Step, way: RefusedWay, error: ServerError, { isReceiving }: RefusalContext): Finding {
  const parameters: Pick<ConnectionParameters, 'user' | 'database'> = way.parameters ?? { user: '', database: '' };
  const name = quoteIdentifier(parameters.user);
  switch (error.sqlState) {
    case '42501':
      return step.problem(error.message, `Role "${parameters.user}" is not allowed to stream: it lacks REPLICATION.`, {
        words: 'Let it.',
        sql: [`ALTER ROLE ${name} REPLICATION;`],
      });
    case '3D000':
      return step.problem(error.message, `dbname in ${way.option} names a database that is not there.`, {
        words: `Set dbname=postgres in ${way.option}.`,
      });
    case '53300':
      if (isReceiving && way.purpose === 'replication') return step.ok('the receiver is let in; there is no place for one more');
      return noPlace(step, way, error);
    default:
      return troubled(step, error);
  }
}

function noPlace(step: Step, way: RefusedWay, error: ServerError): Finding {
  const user = way.parameters?.user ?? '';
  if (error.routine === 'InitializeSessionUserId') {
    return step.problem(error.message, `Role "${user}" has all the connections it may have.`, {
      words: 'Allow it more.',
      sql: [`ALTER ROLE ${quoteIdentifier(user)} CONNECTION LIMIT -1;`],
    });
  }
  const isStreaming = way.purpose === 'replication';
  return step.problem(error.message, 'All places for connections of this kind are taken.', {
    words: isStreaming
      ? 'See max_wal_senders below.'
      : 'Close what holds the connections, or raise max_connections and restart the server.',
    sql: [`SELECT * FROM ${isStreaming ? 'pg_stat_replication' : 'pg_stat_activity'};`],
  });
}
