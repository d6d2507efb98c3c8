/** What one client may take: sizes, and time for what it sends and for what it takes. */
import type { ServerOptions } from 'node:http';

/** So many connections at the same time. */
export const mostConnections = 1000;

/** Of node's server. Who is slower than this to send its headers is let go; the request line counts as one of them. */
export const connectionLimits: ServerOptions = {
  maxHeaderSize: 8192,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 2000,
};

/** Of fastify's. Nothing for a minute, in either direction, ends a connection; the live stream has a heartbeat every five seconds. */
export const serverLimits = {
  bodyLimit: 8192,
  requestTimeout: 15_000,
  connectionTimeout: 60_000,
  keepAliveTimeout: 15_000,
  routerOptions: { maxParamLength: 128 },
} as const;
