/** The routes about servers. They answer from the last samples. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Collector } from '../collector/collector.ts';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import { coverageView } from '../views/coverage-view.ts';
import { holesView } from '../views/hole-view.ts';
import { checksView, clientsView } from '../views/observation-views.ts';
import { restorePointsView } from '../views/restore-points-view.ts';
import { serverDetailView } from '../views/server-detail-view.ts';
import { listServers } from '../views/server-list-view.ts';
import { timelinesView } from '../views/timelines-view.ts';
import { RequestProblem } from './problem-answers.ts';

/** What routes about one server have in their path. */
export interface ServerRoute {
  readonly Params: { readonly name: string };
  readonly Querystring: Readonly<Record<string, unknown>>;
}

/** The snapshot of the server that a path names. @throws {RequestProblem} 404 */
export function snapshotNamed(collector: Collector, name: string): ServerSnapshot {
  const snapshot = collector.snapshot(name);
  if (snapshot !== undefined) return snapshot;
  throw new RequestProblem(404, 'no server of that name is configured', { hint: '/api/v1/servers lists those that are.' });
}

type View = (snapshot: ServerSnapshot, nowMs: number) => object;

const views: Readonly<Record<string, View>> = {
  '': serverDetailView,
  '/checks': checksView,
  '/clients': clientsView,
  '/coverage': coverageView,
  '/holes': holesView,
  '/restore-points': restorePointsView,
  '/timelines': timelinesView,
};

/** Registers them. */
export function serverRoutes(app: FastifyInstance, collector: Collector): void {
  app.get('/servers', () => listServers(collector));
  for (const [path, view] of Object.entries(views)) {
    app.get(`/servers/:name${path}`, ({ params }: FastifyRequest<ServerRoute>) =>
      view(snapshotNamed(collector, params.name), Date.now()),
    );
  }
}
