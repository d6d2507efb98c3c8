/** The parts of the HTTP server that are not the API: each gets the server, below the base path and behind the authentication, and the collector. */
import type { FastifyInstance } from 'fastify';
import type { Collector } from '../collector/collector.ts';
import { metricsRoute } from '../metrics/metrics-route.ts';

/** Registers its routes. `collector.snapshots` are the last samples; a route must not wait for new ones. */
export type AppPart = (app: FastifyInstance, collector: Collector) => void | Promise<void>;

/** All of them. */
export const appParts: readonly AppPart[] = [metricsRoute];
