/** For service managers and load balancers: `/healthz`, `/readyz` and `/readyz/{name}`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Collector } from '../collector/collector.ts';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import { judge } from '../collector/verdict.ts';
import type { Readiness } from '../schema/problem.ts';
import { type ServerRoute, snapshotNamed } from './server-routes.ts';

/** Registers them. `/healthz` says that this process answers, and nothing of any server. */
export function probeRoutes(app: FastifyInstance, collector: Collector): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', (_, reply) =>
    sendReadiness(
      reply,
      collector.snapshots.filter(({ server }) => server.active),
    ),
  );
  app.get('/readyz/:name', ({ params }: FastifyRequest<ServerRoute>, reply) =>
    sendReadiness(reply, [snapshotNamed(collector, params.name)]),
  );
}

function sendReadiness(reply: FastifyReply, snapshots: readonly ServerSnapshot[]): FastifyReply {
  const nowMs = Date.now();
  const servers = snapshots.map((snapshot) => {
    const { verdict, reason } = judge(snapshot, nowMs);
    return { name: snapshot.server.name, ready: verdict === 'safe' || verdict === 'warning', verdict, reason };
  });
  const answer: Readiness = { ready: servers.every(({ ready }) => ready), servers };
  return reply
    .code(answer.ready ? 200 : 503)
    .header('cache-control', 'no-store')
    .send(answer);
}
