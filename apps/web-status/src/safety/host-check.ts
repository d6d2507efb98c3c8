/**
 * Against DNS rebinding: a page of somebody else whose name comes to lead to 127.0.0.1 would be of one origin with us in the browser of
 * an operator. It asks with that name in `Host`, and none but ours are answered where no secret protects.
 */
import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { RequestProblem } from '../api/problem-answers.ts';
import { isLoopback } from './listen-policy.ts';

/** Refuses other names. @param allowed names besides those of loopback, lower case */
export function checkHost(app: FastifyInstance, allowed: readonly string[]): void {
  app.addHook('onRequest', async ({ headers }) => {
    const name = nameIn(headers.host ?? '');
    if (isLoopback(name) || allowed.includes(name)) return;
    throw new RequestProblem(421, 'this is not the server of that name', {
      hint: 'Ask for localhost or 127.0.0.1, or start walvault-web-status with --allow-host NAME.',
    });
  });
}

/** `localhost` of `LocalHost:8432`, `::1` of `[::1]:8432`. */
function nameIn(host: string): string {
  const [, inBrackets, plain] = /^(?:\[([0-9a-f:.]+)\]|([^:]*))(?::\d+)?$/.exec(host.toLowerCase()) ?? [];
  const name = inBrackets ?? plain ?? '';
  return inBrackets !== undefined && isIP(name) !== 6 ? '' : name.replace(/\.$/, '');
}
