/** `setup --apply`: does what can be done by SQL, step by step, and says what is left to do by hand. */
import {
  connectSql,
  isVerifierOf,
  parseConninfo,
  quoteIdentifier,
  resolveConnection,
  scramVerifier,
  type SqlConnection,
} from '@walvault/protocol';
import { CoreError } from '../errors.ts';
import { judgeRefusal } from '../doctor/judge-refusal.ts';
import { judgeWay } from '../doctor/judge-way.ts';
import type { Finding, Remedy } from '../doctor/finding.ts';
import { readRole } from '../doctor/streaming-role.ts';
import { walkToSql, walkToWalsender } from '../doctor/walk-to-server.ts';
import type { ServerSetup, SetupConnection } from './describe-setup.ts';
import type { SetupStep } from './setup-step.ts';

/** What became of a step. */
export interface SetupOutcome {
  readonly title: string;
  /** `toDo`: by hand; `remedy` says how. */
  readonly state: 'done' | 'alreadySo' | 'toDo';
  /** What was run; no password in it. */
  readonly statement?: string | undefined;
  readonly remedy?: Remedy | undefined;
}

/** How to apply. */
export interface ApplyOptions {
  /** Leads a superuser to the server; the section's own connection unless given. The database is that of the section. */
  readonly superuserConninfo?: string | undefined;
  readonly signal: AbortSignal;
  /** How long a connection may take, in milliseconds. */
  readonly patienceMs: number;
}

/**
 * Applies a setup, one step after the other. Each outcome is given when the step is over; what was done before an error stays done, and
 * doing it all again does the rest.
 * @throws {CoreError} `ERR_NOT_SUPERUSER`; `ERR_PASSWORD_SHOWN` for a password in the connection string, which stands on a command line
 * @throws what connecting throws, and what the server answers to a statement
 */
export async function* applySetup(setup: ServerSetup, options: ApplyOptions): AsyncGenerator<SetupOutcome, void, undefined> {
  {
    await using sql = await connectAsSuperuser(setup, options);
    const server = new Applier(sql, await isTrue(sql, 'pg_catalog.pg_is_in_recovery()'));
    for (const step of setup.steps) yield await server.apply(step);
    yield* server.reload();
    for (const connection of oneOfEachUser(setup.connections)) yield* server.password(connection);
    yield* server.restart(setup);
  }
  yield* tryConnections(setup, options);
}

async function connectAsSuperuser(setup: ServerSetup, options: ApplyOptions): Promise<SqlConnection> {
  const { server, database } = setup;
  const { superuserConninfo, signal, patienceMs } = options;
  if (superuserConninfo !== undefined && parseConninfo(superuserConninfo).has('password')) {
    throw new CoreError('ERR_PASSWORD_SHOWN', 'a password on a command line can be seen by everybody on this machine', {
      hint: 'Leave it out of --superuser-conninfo, and give it by the password file (~/.pgpass) or PGPASSWORD.',
    });
  }
  const conninfo = superuserConninfo ?? server.walConninfo;
  const hint = `Name one: --superuser-conninfo 'host=... user=postgres'. Without --apply, setup prints what a superuser has to run.`;
  if (conninfo === undefined)
    throw new CoreError('ERR_OPTION_REQUIRED', 'setup --apply needs a superuser of the server', { hint });
  const parameters = await resolveConnection(conninfo, { overrides: { dbname: database }, fallbackConnectTimeoutMs: patienceMs });
  const sql = await connectSql(parameters, { signal });
  const isSuperuser = (await readRole(sql, parameters.user))?.isSuperuser === true;
  if (isSuperuser) return sql;
  await sql[Symbol.asyncDispose]();
  throw new CoreError('ERR_NOT_SUPERUSER', `role "${parameters.user}" is not a superuser of the server`, { hint });
}

/** Two connections as one role: it has one password. */
function oneOfEachUser(connections: readonly SetupConnection[]): readonly SetupConnection[] {
  return connections.filter(
    (one, index) => connections.findIndex(({ parameters }) => parameters.user === one.parameters.user) === index,
  );
}

async function isTrue(sql: SqlConnection, expression: string): Promise<boolean> {
  const [row] = await sql.query(`SELECT (${expression}) AS answer`);
  return row?.['answer'] === 't';
}

class Applier {
  readonly #sql: SqlConnection;
  readonly #isStandby: boolean;
  #hasAltered = false;

  constructor(sql: SqlConnection, isStandby: boolean) {
    this.#sql = sql;
    this.#isStandby = isStandby;
  }

  async apply({ title, isNeeded, statement, place, countsFrom, isLacking }: SetupStep): Promise<SetupOutcome> {
    if (!(await isTrue(this.#sql, isNeeded))) {
      const waits = countsFrom === 'now' && isLacking !== undefined && (await isTrue(this.#sql, isLacking));
      return waits
        ? {
            title,
            state: 'toDo',
            remedy: { words: 'It can be made after the restart of the server: run setup --apply again then.' },
          }
        : { title, state: 'alreadySo' };
    }
    const [row] = await this.#sql.query(`SELECT ${statement} AS statement`);
    const text = row?.['statement'] ?? '';
    if (place === 'primary' && this.#isStandby)
      return { title, state: 'toDo', remedy: { words: 'This server is a standby: run it on the primary.', sql: [`${text};`] } };
    await this.#sql.query(text);
    if (countsFrom !== 'now') this.#hasAltered = true;
    return { title, state: 'done', statement: text };
  }

  async *reload(): AsyncGenerator<SetupOutcome, void, undefined> {
    if (!this.#hasAltered) return;
    await this.#sql.query('SELECT pg_catalog.pg_reload_conf()');
    yield { title: 'reload', state: 'done', statement: 'SELECT pg_reload_conf()' };
  }

  /** Gives a role without a password the one that the section connects with; one that has another keeps it. */
  async *password({ parameters: { user, hosts } }: SetupConnection): AsyncGenerator<SetupOutcome, void, undefined> {
    const password = hosts.find((host) => host.password !== undefined)?.password;
    if (password === undefined) return;
    const name = quoteIdentifier(user);
    const title = `password of role ${name}`;
    const [row] = await this.#sql.query('SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1', [user]);
    const stored = row?.['rolpassword'] ?? undefined;
    const byHand: Remedy = { words: `Set it in psql on the primary: \\password ${name}` };
    if (stored !== undefined && (await isVerifierOf(stored, password, user))) yield { title, state: 'alreadySo' };
    else if (stored !== undefined || row === undefined || this.#isStandby) yield { title, state: 'toDo', remedy: byHand };
    else {
      await this.#sql.query(`ALTER ROLE ${name} PASSWORD '${await scramVerifier(password)}'`);
      yield { title, state: 'done', statement: `ALTER ROLE ${name} PASSWORD '***'` };
    }
  }

  async *restart({ steps }: ServerSetup): AsyncGenerator<SetupOutcome, void, undefined> {
    const waiting: string[] = [];
    for (const { title, countsFrom, isLacking } of steps) {
      if (countsFrom === 'restart' && isLacking !== undefined && (await isTrue(this.#sql, isLacking))) waiting.push(title);
    }
    if (waiting.length === 0) return;
    const [row] = await this.#sql.query(`SELECT pg_catalog.current_setting('data_directory') AS directory`);
    const words = `Restart the server, for ${waiting.join(', ')} (pg_ctl restart -D ${row?.['directory'] ?? ''}), and run setup --apply again.`;
    yield { title: 'restart', state: 'toDo', remedy: { words } };
  }
}

/** The proof: whether the section's own connections are let in. What pg_hba.conf lacks shows here. */
async function* tryConnections(
  { server, connections }: ServerSetup,
  options: ApplyOptions,
): AsyncGenerator<SetupOutcome, void, undefined> {
  for (const { option, purpose, parameters } of connections) {
    const way = await (purpose === 'replication' ? walkToWalsender(server, options) : walkToSql(server, undefined, options));
    const { findings, refusal } = judgeWay(way);
    const context = { role: 'unknown', hbaFile: undefined, isReceiving: false } as const;
    const all: readonly Finding[] = refusal === 'blocked' ? findings : [...findings, judgeRefusal(way, refusal, context)];
    const problem = all.find(({ status }) => status === 'problem');
    const title = `connection by ${option}${purpose === 'replication' ? ' for replication' : ''} as role ${quoteIdentifier(parameters.user)}`;
    if (problem === undefined) yield { title, state: 'alreadySo' };
    else
      yield {
        title,
        state: 'toDo',
        remedy: { ...problem.remedy, words: [problem.what, problem.remedy?.words].filter(Boolean).join('. ') },
      };
  }
}
