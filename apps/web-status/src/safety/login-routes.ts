/** How a browser comes by a session, and how it ends one. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { RequestProblem } from '../api/problem-answers.ts';
import type { Access } from './access.ts';
import type { Attempts } from './attempts.ts';
import { type LoginTrouble, loginPage, loginStyle } from './login-page.ts';
import { keepSession, sessionOf } from './session-cookie.ts';

/** Paths that are open to everybody, below the base path. */
export const loginPaths = ['/login', '/login.css', '/logout'] as const;

/** What they need. */
export interface LoginOptions {
  readonly access: Access;
  readonly attempts: Attempts;
  /** Empty, or begins with a slash and ends without one. */
  readonly basePath: string;
}

/** Registers them. */
export function loginRoutes(app: FastifyInstance, { access, attempts, basePath }: LoginOptions): void {
  const show = (reply: FastifyReply, status: number, trouble: LoginTrouble): FastifyReply =>
    reply.code(status).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(loginPage(access, trouble));
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: 8192 }, (_, body, done) => {
    done(null, new URLSearchParams(String(body)));
  });
  app.get(`${basePath}/login`, (_, reply) => show(reply, 200, undefined));
  app.get(`${basePath}/login.css`, (_, reply) => reply.type('text/css; charset=utf-8').send(loginStyle));
  app.post(`${basePath}/login`, (request, reply) => {
    if (!attempts.allows(request.ip)) return show(reply, 429, 'tooMany');
    if (!access.admitsTyped(typedIn(request.body, access))) {
      attempts.count(request.ip);
      return show(reply, 401, 'wrong');
    }
    keepSession(request, reply, access.session(Date.now()), basePath);
    return reply.redirect(`${basePath}/`, 303);
  });
  app.post(`${basePath}/logout`, (request, reply) => {
    if (request.headers['sec-fetch-site'] === 'cross-site') throw new RequestProblem(403, 'another site cannot log you out');
    access.endSession(sessionOf(request), Date.now());
    keepSession(request, reply, '', basePath);
    return reply.redirect(`${basePath}/login`, 303);
  });
}

function typedIn(body: unknown, access: Access): string {
  if (!(body instanceof URLSearchParams)) return '';
  return access.kind === 'token' ? (body.get('token') ?? '').trim() : `${body.get('user') ?? ''}:${body.get('password') ?? ''}`;
}
