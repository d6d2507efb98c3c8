/** From name resolution to TLS: what a walk to a server has met. Pure. Authentication is judged in judge-refusal.ts. */
import { AuthenticationError, ConnectError, type HostProbe, TlsError } from '@walvault/protocol';
import { WalvaultError } from '@walvault/wal';
import { type Finding, type Remedy, Step } from './finding.ts';
import type { Way } from './walk-to-server.ts';

/** What judging a way gives: the findings, and the error that came once the server was reached, if one did. */
export interface JudgedWay {
  readonly findings: readonly Finding[];
  /** What authentication ended with; undefined when one got through; `blocked` when one did not get so far. */
  readonly refusal: unknown;
}

const stepNames = ['name resolution', 'TCP connection', 'TLS', 'authentication'] as const;

/** Judges the part of a way that lies before authentication. `blocked` as a refusal means that the findings are complete. */
export function judgeWay(way: Way<unknown>): JudgedWay {
  const notices = way.notices.map((notice) => new Step('connection string', way.option).warning(notice));
  const step = (name: string): Step => new Step(name, way.option);
  if (way.parameters === undefined) {
    const problem = troubled(step('connection string'), way.trouble);
    return { findings: [...notices, problem, ...skipped(way, 0, 'the connection string is wrong')], refusal: 'blocked' };
  }
  const names = judgeNames(step('name resolution'), way.hosts);
  if (names.status === 'problem')
    return { findings: [...notices, names, ...skipped(way, 1, 'no name leads anywhere')], refusal: 'blocked' };
  const sockets = judgeSockets(step('TCP connection'), way.hosts);
  if (sockets.status === 'problem')
    return { findings: [...notices, names, sockets, ...skipped(way, 2, 'no connection can be made')], refusal: 'blocked' };
  const trouble = decisiveTrouble(way.trouble);
  const tls = judgeTls(step('TLS'), way, trouble);
  const before = [...notices, names, sockets, tls];
  if (tls.status === 'problem') return { findings: [...before, ...skipped(way, 3, 'TLS failed')], refusal: 'blocked' };
  return { findings: before, refusal: trouble };
}

/** Of several addresses the one decides at which one came furthest. */
export function decisiveTrouble(trouble: unknown): unknown {
  if (!(trouble instanceof ConnectError) || trouble.attempts.length === 0) return trouble;
  return trouble.attempts.find((attempt) => !(attempt instanceof ConnectError)) ?? trouble;
}

/** An error in its own words. */
export function troubled(step: Step, trouble: unknown): Finding {
  if (!WalvaultError.is(trouble)) return step.problem(trouble instanceof Error ? trouble.message : String(trouble));
  return step.problem(trouble.message, undefined, trouble.hint === undefined ? undefined : { words: trouble.hint });
}

function skipped({ option }: Way<unknown>, from: number, because: string): readonly Finding[] {
  return stepNames.slice(from).map((name) => new Step(name, option).skipped(because));
}

function judgeNames(step: Step, hosts: readonly HostProbe[]): Finding {
  const failed = hosts.filter(({ error }) => error !== undefined);
  const words = hosts.map(({ host, isUnixSocket, error, addresses }) => {
    if (error !== undefined) return error.message;
    if (isUnixSocket) return `Unix socket in ${host}`;
    const found = addresses.map(({ address }) => address).join(', ');
    return found === host ? `${host} is an address` : `"${host}" is ${found}`;
  });
  if (failed.length === 0) return step.ok(words.join('; '));
  const remedy: Remedy = {
    words:
      'Correct host in the connection string, or give its address by hostaddr beside it, or make the name known to this machine.',
    commands: failed.map(({ host }) => `getent ahosts ${shellWord(host)}`),
  };
  const why = 'The name service of this machine (DNS, /etc/hosts) does not know the name, or does not answer.';
  return failed.length === hosts.length
    ? step.problem(words.join('; '), why, remedy)
    : step.warning(words.join('; '), why, remedy);
}

function judgeSockets(step: Step, hosts: readonly HostProbe[]): Finding {
  const addresses = hosts.flatMap((host) => host.addresses.map((address) => ({ ...address, host })));
  const failed = addresses.filter(({ error }) => error !== undefined);
  const reached = addresses.filter(({ error }) => error === undefined);
  const through = reached.map(
    ({ where, localAddress }) => `${where}${localAddress === undefined ? '' : `, from ${localAddress}`}`,
  );
  const [first] = failed;
  if (first === undefined) return step.ok(`reached ${through.join('; ')}`);
  const { why, remedy } = explainSocket(first.error, first.host);
  const troubles = failed.map(({ error }) => error?.message).join('; ');
  if (reached.length === 0) return step.problem(troubles, why, remedy);
  // A second address that is closed is ordinary: `localhost` is both ::1 and 127.0.0.1, and servers listen on one.
  if (new Set(reached.map(({ host }) => host)).size === hosts.length) return step.ok(`reached ${through.join('; ')}`);
  return step.warning(`reached ${through.join('; ')}; but ${troubles}`, why, remedy);
}

function explainSocket(error: unknown, { host, port, isUnixSocket }: HostProbe): { why: string; remedy: Remedy } {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (isUnixSocket) {
    return {
      why: 'The server does not run on this machine, or has its socket in another directory or under another port.',
      remedy: {
        words:
          'Start the server, or set host to its unix_socket_directories and port to its port, as these statements show them.',
        sql: ['SHOW unix_socket_directories;', 'SHOW port;'],
      },
    };
  }
  if (code === 'ECONNREFUSED') {
    return {
      why: `The machine answers, but nobody listens on port ${port} there: the server is down, has another port, or does not listen on that address.`,
      remedy: {
        words:
          'Start the server. If it runs, ask it on its machine for its port and the addresses that it listens on. If it shall listen on all of them, the last statement does it, from a restart on.',
        sql: ['SHOW port;', 'SHOW listen_addresses;', `ALTER SYSTEM SET listen_addresses = '*';`],
      },
    };
  }
  const isSilent = (WalvaultError.is(error) && error.code === 'ERR_CONNECT_TIMEOUT') || code === 'ETIMEDOUT';
  return {
    why: isSilent
      ? 'Nothing came back, not even a refusal: a firewall on the way drops the packets, or the machine is down.'
      : 'The network does not lead to that machine: a route, an interface or the machine itself is down.',
    remedy: {
      words: `Let TCP to port ${port} of ${host} through, from this machine, in every firewall on the way; and check that the machine is up.`,
      commands: [`ping -c 3 ${shellWord(host)}`],
    },
  };
}

function judgeTls(step: Step, way: Way<unknown>, trouble: unknown): Finding {
  const mode = way.parameters?.tls.mode ?? 'prefer';
  if (trouble instanceof TlsError) return troubled(step, trouble);
  if (way.hosts.every(({ isUnixSocket }) => isUnixSocket)) return step.ok('not needed on a Unix socket');
  if (way.tlsVersion !== undefined) return step.ok(`${way.tlsVersion} (sslmode=${mode})`);
  if (trouble !== undefined) {
    const isPast = trouble instanceof AuthenticationError || (WalvaultError.is(trouble) && trouble.code === 'ERR_SERVER');
    return isPast ? step.ok(`as sslmode=${mode} asks`) : step.skipped('the connection did not get so far');
  }
  if (way.hosts.every(isLocal)) return step.ok(`not encrypted, within this machine (sslmode=${mode})`);
  return step.warning(
    `the connection is not encrypted (sslmode=${mode})`,
    'Whoever can listen on the network between reads all data that goes through the WAL.',
    {
      words: `Set ssl = on with a certificate on the server, and sslmode=verify-full with sslrootcert in ${way.option}.`,
      sql: ['ALTER SYSTEM SET ssl = on;', 'SELECT pg_reload_conf();'],
    },
  );
}

function isLocal({ isUnixSocket, addresses }: HostProbe): boolean {
  return isUnixSocket || addresses.every(({ address, localAddress }) => /^127\.|^::1$/.test(address) || address === localAddress);
}

/** A word for a shell. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
