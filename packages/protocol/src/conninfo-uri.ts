/**
 * Connection strings in URI form (fe-connect.c, conninfo_uri_parse_options):
 *
 *   postgresql://[user[:password]@][host[:port][,host[:port]]...][/dbname][?keyword=value[&...]]
 *
 * It is read as libpq reads it, with one difference on purpose: an `@` in a host or database name must be percent-encoded, a
 * port must be digits, and parameters must not stand before an `@`. Such a URI holds a password with an `@` or `/` of its own;
 * libpq takes a piece of that password for a user, host, port or database, and would show it in the next message.
 */
import { ConninfoError } from './conninfo-error.ts';
import { type ConninfoKeyword, type ConninfoPair, isSecretKeyword, nearestKeyword, toConninfoPair } from './conninfo-keywords.ts';

const beginning = /^(postgres(?:ql)?:\/\/)(?:([^:@/]*)(?::([^@/]*))?@)?/;

/** Whether a connection string is in URI form. */
export function isConninfoUri(text: string): boolean {
  return beginning.test(text);
}

/** What a URI begins with, still percent-encoded. */
interface UriCredentials {
  readonly scheme: string;
  readonly user: string;
  readonly password: string;
  /** Index of the first character behind the `@`, or behind the scheme when there is none. */
  readonly end: number;
}

/** Takes scheme, user and password off a URI. */
export function readUriCredentials(uri: string): UriCredentials {
  const [all, scheme = '', user = '', password = ''] = beginning.exec(uri) ?? [''];
  return { scheme, user, password, end: all.length };
}

/** A piece of the URI that is still percent-encoded, and its column. */
interface Piece {
  readonly text: string;
  readonly column: number;
}

/**
 * The parameters of a URI, in the order in which they stand.
 * @throws {ConninfoError} `ERR_INVALID_CONNINFO` when it is malformed; the message tells the column.
 */
export function* parseConninfoUri(uri: string): Generator<ConninfoPair, void> {
  const { scheme, user, password, end } = readUriCredentials(uri);
  refuseQueryIn(`${user}:${password}`, scheme.length + 1);
  yield* pairIfGiven('user', { text: user, column: scheme.length + 1 });
  yield* pairIfGiven('password', { text: password, column: scheme.length + user.length + 2 });
  const places = readPlaces(uri, end);
  yield* pairIfGiven('host', { text: places.hosts, column: end + 1 });
  yield* pairIfGiven('port', { text: places.ports, column: end + 1 });
  let at = places.end;
  if (uri[at] === '/') {
    const [name] = /^[^?]*/.exec(uri.slice(at + 1)) ?? [''];
    refuseAtSign(name, at + 2);
    yield* pairIfGiven('dbname', { text: name, column: at + 2 });
    at += name.length + 1;
  }
  if (uri[at] === '?') yield* readQuery(uri, at + 1);
}

interface Places {
  readonly hosts: string;
  readonly ports: string;
  readonly end: number;
}

/** The list of `host:port`, as the two lists of equal length that the parameters `host` and `port` are. */
function readPlaces(uri: string, start: number): Places {
  const hosts: string[] = [];
  const ports: string[] = [];
  const place = /(\[[^\]]*\]?|[^:/?,]*)(?::([^/?,]*))?/y;
  let at = start;
  for (;;) {
    place.lastIndex = at;
    const [all, host = '', port = ''] = place.exec(uri) ?? [''];
    hosts.push(readHost(host, at + 1));
    ports.push(readPort(port, at + host.length + 2));
    at += all.length;
    if (uri[at] !== ',') break;
    at += 1;
  }
  if (at < uri.length && uri[at] !== '/' && uri[at] !== '?') {
    throw malformed(`unexpected character at column ${at + 1} of the connection URI, expected ":", ",", "/" or "?"`);
  }
  return { hosts: ifAny(hosts), ports: ifAny(ports), end: at };
}

function readHost(host: string, column: number): string {
  refuseAtSign(host, column);
  if (!host.startsWith('[')) return host;
  if (!host.endsWith(']')) throw malformed(`missing "]" of the IPv6 address at column ${column} of the connection URI`);
  if (host.length === 2) throw malformed(`empty IPv6 address at column ${column} of the connection URI`);
  return host.slice(1, -1);
}

/** A port is not shown when it is wrong: it may be the start of a password. */
function readPort(port: string, column: number): string {
  if (/^\d*$/.test(port)) return port;
  throw malformed(`invalid port number at column ${column} of the connection URI`, credentialsHint);
}

function ifAny(items: readonly string[]): string {
  return items.length === 1 && items[0] === '' ? '' : items.join(',');
}

function* readQuery(uri: string, start: number): Generator<ConninfoPair, void> {
  let at = start;
  let mayFollowSecret = false;
  for (const item of uri.slice(start).split('&')) {
    if (at === uri.length) return;
    const pair = readQueryItem(item, at + 1, mayFollowSecret);
    yield pair;
    mayFollowSecret = isSecretKeyword(pair.keyword);
    at += item.length + 1;
  }
}

function readQueryItem(item: string, column: number, mayFollowSecret: boolean): ConninfoPair {
  const [name = '', text, extra] = item.split('=');
  if (text === undefined) throw malformed(`missing "=" in the query parameter at column ${column} of the connection URI`);
  if (extra !== undefined) {
    throw malformed(
      `a second "=" in the query parameter at column ${column} of the connection URI`,
      'Write "=" in a value as %3D.',
    );
  }
  const keyword = decode({ text: name, column });
  const value = decode({ text, column: column + name.length + 1 });
  if (keyword === 'ssl' && value === 'true') return { keyword: 'sslmode', value: 'require' };
  return toConninfoPair(keyword, value) ?? refuseUnknown(keyword, column, mayFollowSecret);
}

/** The name is shown unless it may be the rest of a secret with an `&` in it. */
function refuseUnknown(name: string, column: number, mayFollowSecret: boolean): never {
  const isShown = !mayFollowSecret && /^\w{1,63}$/.test(name);
  const nearest = isShown ? nearestKeyword(name) : undefined;
  throw malformed(
    `unknown connection parameter${isShown ? ` "${name}"` : ''} at column ${column} of the connection URI`,
    nearest === undefined
      ? 'Parameters have the names of libpq; write "&" in a value as %26.'
      : `Perhaps you meant "${nearest}".`,
  );
}

function* pairIfGiven(keyword: ConninfoKeyword, piece: Piece): Generator<ConninfoPair, void> {
  if (piece.text !== '') yield { keyword, value: decode(piece) };
}

/** Undoes percent-encoding. Spaces around a piece are dropped and spaces inside must be encoded, as newer versions of libpq have it. */
function decode({ text, column }: Piece): string {
  const trimmed = text.replaceAll(/^ +| +$/g, '');
  const wrong = /%(?![0-9A-Fa-f]{2})|%00|\s/.exec(trimmed);
  if (wrong !== null) {
    const where = column + text.indexOf(trimmed) + wrong.index;
    const what = wrong[0].trim() === '' ? 'blank' : 'percent-encoding';
    throw malformed(`invalid ${what} at column ${where} of the connection URI`, encodingHint);
  }
  try {
    return decodeURIComponent(trimmed);
  } catch {
    throw malformed(`the text at column ${column} of the connection URI is not UTF-8 when decoded`, encodingHint);
  }
}

const encodingHint = 'Write a blank as %20, a percent sign as %25 and other bytes as % and two hexadecimal digits.';
const queryHint = 'Write "@" in a value as %40, and "?" in a user name or password as %3F.';
const credentialsHint = 'In a user name or password write "@" as %40, "/" as %2F and ":" as %3A.';

/** `postgresql://host?password=p@ss` would be user `host?password=p` at host `ss`. */
function refuseQueryIn(credentials: string, column: number): void {
  const [query, name = ''] = /\?(\w+)=/.exec(credentials) ?? [''];
  if (toConninfoPair(name, '') === undefined) return;
  throw malformed(
    `unexpected "?" at column ${column + credentials.indexOf(query)} of the connection URI, before an "@"`,
    queryHint,
  );
}

function refuseAtSign(text: string, column: number): void {
  const index = text.indexOf('@');
  if (index >= 0) throw malformed(`unexpected "@" at column ${column + index} of the connection URI`, credentialsHint);
}

function malformed(
  message: string,
  hint = 'The form is postgresql://user:password@host:port/dbname?keyword=value.',
): ConninfoError {
  return new ConninfoError('ERR_INVALID_CONNINFO', message, { hint });
}
