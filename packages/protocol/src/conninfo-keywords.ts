/**
 * The connection parameters that libpq knows, up to version 19 (fe-connect.c, PQconninfoOptions), and the environment
 * variable that stands in for each. Which of them walvault honours is decided in resolve-connection.ts.
 */

/** What is to know about a parameter besides its name. */
interface KeywordFacts {
  /** Variable that gives the value when neither the string nor the service does. */
  readonly variable?: string;
  /** Whether the value must never be shown. */
  readonly isSecret?: true;
}

const facts = {
  host: { variable: 'PGHOST' },
  hostaddr: { variable: 'PGHOSTADDR' },
  port: { variable: 'PGPORT' },
  dbname: { variable: 'PGDATABASE' },
  user: { variable: 'PGUSER' },
  password: { variable: 'PGPASSWORD', isSecret: true },
  passfile: { variable: 'PGPASSFILE' },
  service: { variable: 'PGSERVICE' },
  servicefile: { variable: 'PGSERVICEFILE' },
  application_name: { variable: 'PGAPPNAME' },
  fallback_application_name: {},
  client_encoding: { variable: 'PGCLIENTENCODING' },
  options: { variable: 'PGOPTIONS' },
  replication: {},
  connect_timeout: { variable: 'PGCONNECT_TIMEOUT' },
  keepalives: {},
  keepalives_idle: {},
  keepalives_interval: {},
  keepalives_count: {},
  tcp_user_timeout: {},
  target_session_attrs: { variable: 'PGTARGETSESSIONATTRS' },
  load_balance_hosts: { variable: 'PGLOADBALANCEHOSTS' },
  require_auth: { variable: 'PGREQUIREAUTH' },
  requirepeer: { variable: 'PGREQUIREPEER' },
  channel_binding: { variable: 'PGCHANNELBINDING' },
  scram_client_key: { isSecret: true },
  scram_server_key: { isSecret: true },
  min_protocol_version: { variable: 'PGMINPROTOCOLVERSION' },
  max_protocol_version: { variable: 'PGMAXPROTOCOLVERSION' },
  sslmode: { variable: 'PGSSLMODE' },
  sslnegotiation: { variable: 'PGSSLNEGOTIATION' },
  sslcompression: { variable: 'PGSSLCOMPRESSION' },
  sslcert: { variable: 'PGSSLCERT' },
  sslkey: { variable: 'PGSSLKEY' },
  sslpassword: { isSecret: true },
  sslcertmode: { variable: 'PGSSLCERTMODE' },
  sslrootcert: { variable: 'PGSSLROOTCERT' },
  sslcrl: { variable: 'PGSSLCRL' },
  sslcrldir: { variable: 'PGSSLCRLDIR' },
  sslsni: { variable: 'PGSSLSNI' },
  sslkeylogfile: {},
  ssl_min_protocol_version: { variable: 'PGSSLMINPROTOCOLVERSION' },
  ssl_max_protocol_version: { variable: 'PGSSLMAXPROTOCOLVERSION' },
  gssencmode: { variable: 'PGGSSENCMODE' },
  gssdelegation: { variable: 'PGGSSDELEGATION' },
  gsslib: { variable: 'PGGSSLIB' },
  krbsrvname: { variable: 'PGKRBSRVNAME' },
  oauth_issuer: {},
  oauth_client_id: {},
  oauth_client_secret: { isSecret: true },
  oauth_scope: {},
  oauth_ca_file: {},
} as const;

/** Name of a connection parameter that libpq knows. */
export type ConninfoKeyword = keyof typeof facts;

const factsOf: Readonly<Record<ConninfoKeyword, KeywordFacts>> = facts;

/** A parameter and the value that it was given. */
export interface ConninfoPair {
  readonly keyword: ConninfoKeyword;
  readonly value: string;
}

/** All parameters that libpq knows. */
export const conninfoKeywords: readonly ConninfoKeyword[] = Object.keys(facts) as ConninfoKeyword[];

/** Whether libpq knows a parameter of this name. */
function isConninfoKeyword(name: string): name is ConninfoKeyword {
  return Object.hasOwn(facts, name);
}

/**
 * The pair for a name as it was written, or undefined when libpq knows no such parameter. The deprecated `requiressl` becomes
 * the `sslmode` that libpq makes of it.
 */
export function toConninfoPair(name: string, value: string): ConninfoPair | undefined {
  if (name === 'requiressl') return { keyword: 'sslmode', value: value.startsWith('1') ? 'require' : 'prefer' };
  return isConninfoKeyword(name) ? { keyword: name, value } : undefined;
}

/** Whether the value of a parameter must never be shown. */
export function isSecretKeyword(keyword: ConninfoKeyword): boolean {
  return factsOf[keyword].isSecret ?? false;
}

/** The environment variable that stands in for a parameter, if there is one. */
export function environmentVariableOf(keyword: ConninfoKeyword): string | undefined {
  return factsOf[keyword].variable;
}

/** The parameter whose name is most like `name`, or undefined when none is like it. */
export function nearestKeyword(name: string): ConninfoKeyword | undefined {
  const wanted = name.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: ConninfoKeyword | undefined;
  let bestDistance = limit + 1;
  for (const keyword of conninfoKeywords) {
    const distance = editDistance(wanted, keyword);
    if (distance < bestDistance) [best, bestDistance] = [keyword, distance];
  }
  return best;
}

/** How many letters must be put in, taken out, replaced or swapped with their neighbour to make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (last[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1] ? (beforeLast[column - 2] ?? 0) + 1 : replaced;
      current.push(Math.min(replaced, swapped, (last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    [beforeLast, last] = [last, current];
  }
  return last[b.length] ?? 0;
}
