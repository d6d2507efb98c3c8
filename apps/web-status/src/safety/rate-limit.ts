/** How often one client may ask. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { RequestProblem } from '../api/problem-answers.ts';

/** Requests in a minute that one address may send unless told otherwise: a page that is open needs a few. */
export const defaultRequestsPerMinute = 1200;

/** Limits all routes. */
export async function limitRate(app: FastifyInstance, requestsPerMinute: number): Promise<void> {
  await app.register(rateLimit, {
    global: true,
    max: requestsPerMinute,
    timeWindow: 60_000,
    cache: 10_000,
    errorResponseBuilder: (_, { after, max }) =>
      new RequestProblem(429, `more than ${max} requests in a minute`, { hint: `Ask again in ${after}.` }),
  });
}
