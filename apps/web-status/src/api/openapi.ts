/** The description of the API for programs (OpenAPI 3.1), made from the schemas that the answers are typed by. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { checkList } from '../schema/checks.ts';
import { clientList } from '../schema/clients.ts';
import { coverage, holeList, timelineTree } from '../schema/coverage.ts';
import { eventList, eventQuery } from '../schema/events.ts';
import { findTargetQuery, foundTarget, restorePointList } from '../schema/find-target.ts';
import { historyQuery, historySeries } from '../schema/history.ts';
import { liveEvents } from '../schema/live.ts';
import { health, problem, readiness } from '../schema/problem.ts';
import { serverDetail } from '../schema/server-detail.ts';
import { serverList } from '../schema/server-summary.ts';

interface Route {
  readonly summary: string;
  readonly answer: z.ZodType;
  readonly query?: z.ZodObject;
}

/** What is in the document, by path. */
const routes: Readonly<Record<string, Route>> = {
  '/api/v1/servers': { summary: 'All servers in a few figures each', answer: serverList },
  '/api/v1/servers/{name}': { summary: 'One server', answer: serverDetail },
  '/api/v1/servers/{name}/checks': { summary: 'What walvault check says', answer: checkList },
  '/api/v1/servers/{name}/clients': { summary: 'Who streams from the server', answer: clientList },
  '/api/v1/servers/{name}/coverage': { summary: 'What WAL is in the archive, and what is missing', answer: coverage },
  '/api/v1/servers/{name}/timelines': { summary: 'The tree of timelines', answer: timelineTree },
  '/api/v1/servers/{name}/holes': { summary: 'WAL that is missing', answer: holeList },
  '/api/v1/servers/{name}/events': { summary: 'What has happened, the latest first', answer: eventList, query: eventQuery },
  '/api/v1/servers/{name}/history': { summary: 'One figure over time', answer: historySeries, query: historyQuery },
  '/api/v1/servers/{name}/restore-points': { summary: 'Named restore points', answer: restorePointList },
  '/api/v1/servers/{name}/find-target': {
    summary: 'Whether a recovery target can be reached',
    answer: foundTarget,
    query: findTargetQuery,
  },
  '/healthz': { summary: 'Whether this process answers', answer: health },
  '/readyz': { summary: 'Whether all active servers are well', answer: readiness },
  '/readyz/{name}': { summary: 'Whether one server is well', answer: readiness },
};

/** Paths whose answers are no JSON. */
const otherPaths = {
  '/metrics': {
    get: {
      summary: 'Metrics for Prometheus',
      responses: { 200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: { type: 'string' } } } } },
    },
  },
  '/api/v1/live': {
    get: {
      summary: 'Server-sent events: servers, then server for each change, and heartbeat every five seconds',
      responses: { 200: { description: 'A stream of events', content: { 'text/event-stream': { schema: { type: 'string' } } } } },
    },
  },
};

/** Registers `GET /openapi.json`. */
export function openApiRoute(app: FastifyInstance): void {
  const document = openApiDocument();
  app.get('/openapi.json', () => document);
}

/** The document. */
export function openApiDocument(): object {
  // As input, objects may have more members than are named: later versions add some.
  const { schemas } = z.toJSONSchema(z.globalRegistry, { io: 'input', uri: (id) => `#/components/schemas/${id}` });
  const inline = Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => [id, { ...schema, $schema: undefined, $id: undefined }]),
  );
  return {
    openapi: '3.1.0',
    info: { title: 'walvault-web-status', version: '1', description: 'Read-only. Unknown is null with a reason, and never 0.' },
    paths: {
      ...Object.fromEntries(Object.entries(routes).map(([path, route]) => [path, { get: operation(path, route) }])),
      ...otherPaths,
    },
    components: {
      schemas: inline,
      securitySchemes: { token: { type: 'http', scheme: 'bearer' }, password: { type: 'http', scheme: 'basic' } },
    },
    'x-live-events': Object.fromEntries(Object.entries(liveEvents).map(([name, schema]) => [name, refTo(schema)])),
  };
}

function operation(path: string, { summary, answer, query }: Route): object {
  const ok = { description: summary, content: { 'application/json': { schema: refTo(answer) } } };
  const trouble = { description: 'A problem (RFC 9457)', content: { 'application/problem+json': { schema: refTo(problem) } } };
  const inPath = path.includes('{name}') ? [{ name: 'name', in: 'path', required: true, schema: { type: 'string' } }] : [];
  const notReady = path.startsWith('/readyz') ? { 503: { ...ok, description: 'Not ready' } } : {};
  return { summary, parameters: [...inPath, ...parametersOf(query)], responses: { 200: ok, ...notReady, default: trouble } };
}

function parametersOf(query: z.ZodObject | undefined): readonly object[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: 'input', reused: 'inline' });
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }));
}

function refTo(schema: z.ZodType): object {
  return { $ref: `#/components/schemas/${schema.meta()?.id}` };
}
