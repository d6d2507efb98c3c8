/** Where a proxy does TLS: what comes past it, or by plain HTTP to it, would show the secret to whoever listens in. */
import type { FastifyInstance } from 'fastify';
import { RequestProblem } from '../api/problem-answers.ts';

/** Refuses what did not come by TLS. Whether it did, is told by a trusted proxy alone. */
export function requireHttps(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ protocol }) => {
    if (protocol === 'https') return;
    throw new RequestProblem(403, 'this did not come by TLS', {
      hint: 'Ask over the proxy. It must send X-Forwarded-Proto: https, and its address must be among those of --trust-proxy.',
    });
  });
}
