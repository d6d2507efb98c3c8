/**
 * A plain SQL connection, for what a walsender does not answer: pg_replication_slots, pg_stat_replication,
 * pg_switch_wal(). It is no database driver: one statement at a time, values as text.
 */
import { type ResultSet, readResults } from './command-result.ts';
import { extendedQueryMessages } from './frontend-messages.ts';
import type { OpenedSession } from './open-session.ts';
import { majorVersionOf } from './server-version.ts';
import type { Session } from './session.ts';

/** A row: column names to values in PostgreSQL's text form, null for NULL. */
export type SqlRow = Readonly<Record<string, string | null>>;

/** A connection that takes SQL. Get one by `connectSql`, and dispose of it. */
export class SqlConnection implements AsyncDisposable {
  /** Version as one number: 180004 for 18.4. */
  readonly serverVersion: number;
  readonly majorVersion: number;
  /** Process id of the backend on the server. */
  readonly backendPid: number;
  readonly #session: Session;
  #last: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor({ session, greeting }: OpenedSession) {
    this.#session = session;
    this.serverVersion = greeting.serverVersion;
    this.majorVersion = majorVersionOf(greeting.serverVersion);
    this.backendPid = greeting.backendPid;
  }

  /** Version of TLS on this connection (`TLSv1.3`); undefined when it is not encrypted. */
  get tlsVersion(): string | undefined {
    return this.#session.tls?.getProtocol() ?? undefined;
  }

  /** Parameters that the server reports (`server_version`, `in_hot_standby`, ...), newest values. */
  get parameterStatus(): ReadonlyMap<string, string> {
    return this.#session.parameterStatus;
  }

  /**
   * Runs one statement; `parameters` fill `$1`, `$2`, ... as text. Several calls at once are run one after the other.
   * @throws {ServerError} what the server answered; {@link ConnectionLostError}; the reason of the signal.
   */
  async query(sql: string, parameters: readonly (string | null)[] = []): Promise<readonly SqlRow[]> {
    const run = async (): Promise<readonly SqlRow[]> => {
      this.#session.write(extendedQueryMessages(sql, parameters));
      return (await readResults(this.#session)).flatMap(toRows);
    };
    const answer = this.#last.then(run, run);
    this.#last = answer;
    return await answer;
  }

  /** Says good-bye and closes. Idempotent; takes a second at most. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#session[Symbol.asyncDispose]();
  }
}

function toRows({ columns, rows }: ResultSet): readonly SqlRow[] {
  return rows.map((values) =>
    Object.fromEntries(columns.map((column, index) => [column, values[index]?.toString('utf8') ?? null])),
  );
}
