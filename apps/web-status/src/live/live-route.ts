/** `GET /api/v1/live`. */
import type { FastifyInstance } from 'fastify';
import { RequestProblem } from '../api/problem-answers.ts';
import type { LiveStream } from './live-stream.ts';

/** Registers the route. */
export function liveRoute(app: FastifyInstance, live: LiveStream): void {
  app.get('/live', { exposeHeadRoute: false }, (_, reply) => {
    if (!live.hasRoom) throw new RequestProblem(503, 'too many clients listen already', { hint: 'Try again later.' });
    reply.hijack();
    const { raw } = reply;
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would keep back what comes otherwise.
      'x-accel-buffering': 'no',
    });
    live.add(raw);
  });
}
