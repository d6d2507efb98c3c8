/** Where one is: the part of the address behind `#`, so that the server need not know and any path before it will do. */
import { Store } from '../live/store.ts';

/** Views of a server. */
export const sections = ['now', 'charts', 'archive', 'find', 'events', 'checks'] as const;

export type Section = (typeof sections)[number];

/** A place in the page. */
export type Route =
  | { readonly view: 'overview' }
  | { readonly view: 'server'; readonly server: string; readonly section: Section; readonly query: URLSearchParams };

/** Where one is now. */
export const route = new Store<Route>(parseRoute(location.hash));

addEventListener('hashchange', () => route.set(parseRoute(location.hash)));

/** `#/servers/pg/find?lsn=0/3000148`; what is not understood leads to the overview. */
export function parseRoute(hash: string): Route {
  const [path = '', query] = hash.replace(/^#\/?/, '').split('?');
  const [head, server, section] = path.split('/').map(decoded);
  if (head !== 'servers' || server === undefined || server === '') return { view: 'overview' };
  const known = sections.find((one) => one === section) ?? 'now';
  return { view: 'server', server, section: known, query: new URLSearchParams(query) };
}

/** Its address. */
export function serverAddress(server: string, section: Section = 'now', query: Readonly<Record<string, string>> = {}): string {
  const parameters = new URLSearchParams(query).toString();
  const path = `#/servers/${encodeURIComponent(server)}${section === 'now' ? '' : `/${section}`}`;
  return parameters === '' ? path : `${path}?${parameters}`;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
