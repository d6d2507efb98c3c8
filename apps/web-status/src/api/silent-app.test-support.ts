/** The HTTP server over servers that do not answer, for tests of what does not need any. */
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Collector } from '../collector/collector.ts';
import { configured, type Sections } from '../collector/configured.test-support.ts';
import { History } from '../history/history.ts';
import { type AppOptions, buildApp } from './build-app.ts';

/** A server at a port where nobody listens, with a password that nobody must see. */
export const unreachable = {
  conninfo: 'host=127.0.0.1 port=1 user=barman password=s3cret',
  streaming_conninfo: 'host=127.0.0.1 port=1 user=barman password=s3cret',
  streaming_archiver: 'on',
  slot_name: 'barman',
};

/** The server, and all that it logs. */
export interface SilentApp extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly collector: Collector;
  readonly log: readonly string[];
  /** Addresses of the routes for GET. */
  readonly routes: ReadonlySet<string>;
  /** `barman_home`. */
  readonly home: string;
}

/** Makes it; it does not listen. */
export async function silentApp(options: Partial<AppOptions> = {}, sections: Sections = { pg: unreachable }): Promise<SilentApp> {
  const fixture = await configured(sections);
  const collector = new Collector(fixture.servers);
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const history = new History(':memory:', collector, (error) => log.error({ err: error }));
  const routes = new Set<string>();
  const onRoute = ({ method, url }: { readonly method: string | string[]; readonly url: string }): void => {
    if (method === 'GET') routes.add(url);
  };
  const app = await buildApp({ collector, history, log, pageDirectory: fixture.home, onRoute, ...options });
  return {
    app,
    collector,
    log: lines,
    routes,
    home: fixture.home,
    [Symbol.asyncDispose]: async () => {
      await app.close();
      history[Symbol.dispose]();
      collector[Symbol.dispose]();
      await fixture[Symbol.asyncDispose]();
    },
  };
}
