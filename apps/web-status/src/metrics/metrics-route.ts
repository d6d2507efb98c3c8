/** `GET /metrics`, for Prometheus. It answers from the last samples. */
import type { FastifyInstance } from 'fastify';
import type { Collector } from '../collector/collector.ts';
import { MetricRegistry } from './metric-registry.ts';

/** Registers it. */
export function metricsRoute(app: FastifyInstance, collector: Collector): void {
  const metrics = new MetricRegistry(collector);
  app.addHook('onClose', () => metrics[Symbol.dispose]());
  app.get('/metrics', async (_, reply) => {
    const text = await metrics.text();
    return reply.header('cache-control', 'no-store').type(metrics.contentType).send(text);
  });
}
