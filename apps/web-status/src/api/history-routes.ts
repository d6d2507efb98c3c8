/** What was, from the history: `/history` and `/events` of a server. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Collector } from '../collector/collector.ts';
import type { History } from '../history/history.ts';
import { type EventList, eventQuery } from '../schema/events.ts';
import { historyQuery, type HistorySeries } from '../schema/history.ts';
import { RequestProblem } from './problem-answers.ts';
import { readQuery } from './read-query.ts';
import { type ServerRoute, snapshotNamed } from './server-routes.ts';

const hourMs = 3_600_000;

/** Registers them. */
export function historyRoutes(app: FastifyInstance, collector: Collector, history: History): void {
  app.get('/servers/:name/history', ({ params, query }: FastifyRequest<ServerRoute>): HistorySeries => {
    const { server } = snapshotNamed(collector, params.name);
    const { metric, from, to } = readQuery(historyQuery, query);
    const nowMs = Date.now();
    const toMs = to === undefined ? nowMs : Date.parse(to);
    const fromMs = from === undefined ? toMs - hourMs : Date.parse(from);
    if (fromMs >= toMs) throw new RequestProblem(400, 'from must be before to');
    const { stepMs, points } = history.figures.series(server.name, metric, { fromMs, toMs, nowMs });
    return { server: server.name, metric, from: iso(fromMs), to: iso(toMs), stepMs, points: [...points] };
  });
  app.get('/servers/:name/events', ({ params, query }: FastifyRequest<ServerRoute>): EventList => {
    const { server } = snapshotNamed(collector, params.name);
    const { before, limit } = readQuery(eventQuery, query);
    return history.events.list(server.name, { before, limit });
  });
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
