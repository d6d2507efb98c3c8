/** The HTTP server, made of its routes and of what protects them. */
import type { ServerOptions } from 'node:http';
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController, type RouteOptions } from 'fastify';
import type { Collector } from '../collector/collector.ts';
import type { History } from '../history/history.ts';
import { liveRoute } from '../live/live-route.ts';
import { LiveStream } from '../live/live-stream.ts';
import { Access, type Secret } from '../safety/access.ts';
import { sendSafeHeaders } from '../safety/headers.ts';
import { checkHost } from '../safety/host-check.ts';
import { connectionLimits, mostConnections, serverLimits } from '../safety/limits.ts';
import { defaultRequestsPerMinute, limitRate } from '../safety/rate-limit.ts';
import { requireAccess } from '../safety/require-access.ts';
import { requireHttps } from '../safety/require-https.ts';
import { appParts } from './app-parts.ts';
import { findTargetRoute } from './find-target-route.ts';
import { historyRoutes } from './history-routes.ts';
import { openApiRoute } from './openapi.ts';
import { servePage } from './page.ts';
import { probeRoutes } from './probe-routes.ts';
import { answerClientError, answerProblems, sendFrameworkProblem } from './problem-answers.ts';
import { serverRoutes } from './server-routes.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The clients of the live stream. */
    readonly live: LiveStream;
  }
}

/** Certificate and key, PEM. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** What protects it. */
export interface SafetyOptions {
  /** Without one everybody may ask who reaches it. */
  readonly secret?: Secret | undefined;
  readonly tls?: TlsFiles | undefined;
  /** Addresses of proxies whose `X-Forwarded-...` headers count, as `10.0.0.1` or `10.0.0.0/24`. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Refuses what did not come by TLS, as far as a trusted proxy says. */
  readonly needsHttps?: boolean | undefined;
  /** Names besides those of loopback that requests may ask for where there is no secret, lower case. */
  readonly allowedHosts?: readonly string[] | undefined;
  readonly requestsPerMinute?: number | undefined;
}

/** What it is made of. */
export interface AppOptions {
  readonly collector: Collector;
  readonly history: History;
  readonly log: FastifyBaseLogger;
  /** Where it is seen from outside: empty, or begins with a slash and ends without one. */
  readonly basePath?: string | undefined;
  readonly safety?: SafetyOptions | undefined;
  /** Directory of the built page; the one that belongs to this program unless given. */
  readonly pageDirectory?: string | undefined;
  /** Called with each route. */
  readonly onRoute?: ((route: RouteOptions) => void) | undefined;
}

/** Makes it; it does not listen yet. */
export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const { collector, basePath = '', safety = {} } = options;
  const app = makeServer(options);
  app.server.maxConnections = mostConnections;
  answerProblems(app);
  if (options.onRoute !== undefined) app.addHook('onRoute', options.onRoute);
  await protect(app, safety, basePath);
  const live = new LiveStream(collector);
  app.decorate('live', live);
  app.addHook('preClose', () => live[Symbol.dispose]());
  await app.register(async (scope) => routes(scope, options, live), { prefix: basePath });
  return app;
}

function makeServer({ log, safety: { tls, trustedProxies } = {} }: AppOptions): FastifyInstance {
  const common = {
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    trustProxy: trustedProxies === undefined ? false : [...trustedProxies],
    frameworkErrors: sendFrameworkProblem,
    clientErrorHandler: answerClientError,
    ...serverLimits,
  };
  const limits: ServerOptions = connectionLimits;
  if (tls === undefined) return fastify({ ...common, http: limits });
  // The server of TLS differs in its type only.
  return fastify({ ...common, https: { ...limits, ...tls, minVersion: 'TLSv1.2' } });
}

async function protect(app: FastifyInstance, safety: SafetyOptions, basePath: string): Promise<void> {
  const { secret, tls, trustedProxies, needsHttps = false, allowedHosts = [], requestsPerMinute } = safety;
  await sendSafeHeaders(app, tls !== undefined || trustedProxies !== undefined);
  if (needsHttps) requireHttps(app);
  if (secret === undefined) checkHost(app, allowedHosts);
  await limitRate(app, requestsPerMinute ?? defaultRequestsPerMinute);
  if (secret !== undefined) requireAccess(app, { access: new Access(secret), basePath });
}

async function routes(app: FastifyInstance, options: AppOptions, live: LiveStream): Promise<void> {
  const { collector, history, pageDirectory, basePath = '' } = options;
  probeRoutes(app, collector);
  await app.register(
    async (api) => {
      serverRoutes(api, collector);
      findTargetRoute(api, collector);
      historyRoutes(api, collector, history);
      liveRoute(api, live);
      openApiRoute(api);
    },
    { prefix: '/api/v1' },
  );
  for (const part of appParts) await app.register(async (scope) => part(scope, collector));
  await servePage(app, { directory: pageDirectory, basePath });
}
