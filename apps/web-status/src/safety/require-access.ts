/** The hook of the authentication. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RequestProblem } from '../api/problem-answers.ts';
import type { Access } from './access.ts';
import { Attempts } from './attempts.ts';
import { loginPaths, loginRoutes } from './login-routes.ts';
import { sessionOf } from './session-cookie.ts';

/** Where it is, seen from outside. */
export interface AccessOptions {
  readonly access: Access;
  /** Empty, or begins with a slash and ends without one. */
  readonly basePath: string;
}

/** Everything but `/healthz` and the login asks for the secret. */
export function requireAccess(app: FastifyInstance, { access, basePath }: AccessOptions): void {
  const attempts = new Attempts();
  // As they are written in a request: another spelling of the same path is not among them, and asks for the secret.
  const open = new Set(['/healthz', ...loginPaths].map((path) => basePath + path));
  app.addHook('onRequest', async (request, reply) => {
    const [path = ''] = request.url.split('?');
    if (open.has(path)) return;
    if (access.admitsSession(sessionOf(request), Date.now())) return;
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      attempts.require(request.ip);
      if (access.admits(authorization)) return;
      attempts.count(request.ip);
    }
    return refuse(request, reply, { access, basePath });
  });
  loginRoutes(app, { access, attempts, basePath });
}

/** A browser that wants a page is led to the login; programs learn which way is theirs. */
function refuse({ headers }: FastifyRequest, reply: FastifyReply, { access, basePath }: AccessOptions): FastifyReply {
  if (headers['sec-fetch-mode'] === 'navigate') return reply.redirect(`${basePath}/login`, 303);
  reply.header(
    'www-authenticate',
    access.kind === 'token' ? 'Bearer realm="walvault"' : 'Basic realm="walvault", charset="UTF-8"',
  );
  throw new RequestProblem(401, 'the token or the password is missing or wrong', {
    hint:
      access.kind === 'token' ? 'Send it as "Authorization: Bearer TOKEN".' : 'Send user and password by basic authentication.',
  });
}
