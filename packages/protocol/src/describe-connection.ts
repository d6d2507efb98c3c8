/**
 * Showing connections to people: where to and as whom, and never a password. Nothing else of the packages prints connection
 * parameters or strings.
 */
import { type ConninfoKeyword, isSecretKeyword } from './conninfo-keywords.ts';
import { isConninfoUri, readUriCredentials } from './conninfo-uri.ts';
import { formatConninfo, parseConninfo, scanPairs } from './conninfo.ts';
import type { ConnectionParameters } from './connection-parameters.ts';

const mask = '***';

/** `host=... port=... user=... dbname=...` of a connection, with `hostaddr` where one is dialled instead of the host. */
export function describeConnection(parameters: Pick<ConnectionParameters, 'hosts' | 'user' | 'database'>): string {
  const { hosts, user, database } = parameters;
  const ports = hosts.map(({ port }) => String(port));
  const addresses = hosts.map(({ host, hostAddress = '' }) => (hostAddress === host ? '' : hostAddress));
  const pairs: [ConninfoKeyword, string][] = [['host', hosts.map(({ host }) => host).join(',')]];
  if (addresses.some((address) => address !== '')) pairs.push(['hostaddr', addresses.join(',')]);
  pairs.push(['port', new Set(ports).size === 1 ? (ports[0] ?? '') : ports.join(',')], ['user', user], ['dbname', database]);
  return formatConninfo(pairs);
}

/**
 * A connection string with `***` for its passwords and keys, in the form it has. Where the string is malformed nobody can tell
 * what is a password and what is not: then all that stands behind the last parameter that was surely read becomes `***`.
 */
export function redactConninfo(text: string): string {
  return isConninfoUri(text) ? redactUri(text) : redactPairs(text);
}

function redactPairs(text: string): string {
  const shown: [ConninfoKeyword, string][] = [];
  try {
    for (const { keyword, value } of scanPairs(text)) shown.push([keyword, isSecretKeyword(keyword) ? mask : value]);
    return formatConninfo(shown);
  } catch {
    return `${formatConninfo(shown)} ${mask}`.trimStart();
  }
}

function redactUri(uri: string): string {
  try {
    parseConninfo(uri);
  } catch {
    return `${readUriCredentials(uri).scheme}${mask}`;
  }
  const { scheme, user, password, end } = readUriCredentials(uri);
  const credentials = end === scheme.length ? '' : `${user}${password === '' ? '' : `:${mask}`}@`;
  const [address, query] = splitOnce(uri.slice(end), '?');
  const shown = `${scheme}${credentials}${address}`;
  return query === undefined ? shown : `${shown}?${query.split('&').map(redactQueryItem).join('&')}`;
}

function redactQueryItem(item: string): string {
  const [name, value] = splitOnce(item, '=');
  const [keyword] = value === undefined ? [] : parseConninfo(`postgresql:///?${item}`).keys();
  return keyword !== undefined && isSecretKeyword(keyword) ? `${name}=${mask}` : item;
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + separator.length)];
}
