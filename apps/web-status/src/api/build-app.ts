/** The HTTP server, made of its routes. */
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Collector } from '../collector/collector.ts';
import { appParts } from './app-parts.ts';
import { liveRoute } from '../live/live-route.ts';
import { LiveStream } from '../live/live-stream.ts';
import { servePage } from './page.ts';
import { answerProblems } from './problem-answers.ts';
import { limitRate, defaultRequestsPerMinute } from '../safety/rate-limit.ts';
import { sendSafeHeaders } from '../safety/headers.ts';
import { serverRoutes } from './server-routes.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The clients of the live stream. */
    readonly live: LiveStream;
  }
}

/** What it is made of. */
export interface AppOptions {
  readonly collector: Collector;
  readonly log: FastifyBaseLogger;
  /** Directory of the built page; the one that belongs to this program unless given. */
  readonly pageDirectory?: string | undefined;
}

/** Makes it; it does not listen yet. */
export async function buildApp({ collector, log, pageDirectory }: AppOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  });
  answerProblems(app);
  await sendSafeHeaders(app, false);
  await limitRate(app, defaultRequestsPerMinute);
  app.get('/healthz', () => ({ status: 'ok' }));
  const live = new LiveStream(collector);
  app.decorate('live', live);
  app.addHook('preClose', () => live[Symbol.dispose]());
  await app.register(
    async (api) => {
      serverRoutes(api, collector);
      liveRoute(api, live);
    },
    { prefix: '/api/v1' },
  );
  for (const part of appParts) await app.register(async (scope) => part(scope, collector));
  await servePage(app, pageDirectory);
  return app;
}
