/** The routes and the hook of the authentication. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RequestProblem } from '../api/problem-answers.ts';
import { type Access, sessionMs } from './access.ts';

const cookieName = 'walvault_session';
/** So many wrong secrets from one address in a minute. */
const mostAttempts = 10;
const attemptsMs = 60_000;
/** So many addresses are remembered. */
const mostAddresses = 10_000;

/** Where it is, seen from outside. */
export interface AccessOptions {
  readonly access: Access;
  /** Empty, or begins with a slash and ends without one. */
  readonly basePath: string;
}

/** Everything but `/healthz` and the login asks for the secret. */
export function requireAccess(app: FastifyInstance, { access, basePath }: AccessOptions): void {
  const attempts = new Attempts();
  const open = new Set(['/healthz', '/login', '/logout'].map((path) => basePath + path));
  app.addHook('onRequest', async (request, reply) => {
    const [path = ''] = request.url.split('?');
    if (open.has(path)) return;
    if (access.admitsSession(cookieOf(request), Date.now())) return;
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      attempts.require(request.ip);
      if (access.admits(authorization)) return;
      attempts.count(request.ip);
    }
    return refuse(request, reply, { access, basePath });
  });
  loginRoutes(app, { access, basePath }, attempts);
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

function loginRoutes(app: FastifyInstance, { access, basePath }: AccessOptions, attempts: Attempts): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: 8192 }, (_, body, done) => {
    done(null, new URLSearchParams(String(body)));
  });
  app.get(`${basePath}/login`, (_, reply) =>
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(loginPage(access, false)),
  );
  app.post(`${basePath}/login`, (request, reply) => {
    attempts.require(request.ip);
    if (!access.admitsTyped(typedIn(request.body, access))) {
      attempts.count(request.ip);
      return reply.code(401).type('text/html; charset=utf-8').header('cache-control', 'no-store').send(loginPage(access, true));
    }
    setCookie(request, reply, access.session(Date.now()), basePath);
    return reply.redirect(`${basePath}/`, 303);
  });
  app.post(`${basePath}/logout`, (request, reply) => {
    setCookie(request, reply, '', basePath);
    return reply.redirect(`${basePath}/login`, 303);
  });
}

function typedIn(body: unknown, access: Access): string {
  if (!(body instanceof URLSearchParams)) return '';
  return access.kind === 'token' ? (body.get('token') ?? '').trim() : `${body.get('user') ?? ''}:${body.get('password') ?? ''}`;
}

function cookieOf({ headers }: FastifyRequest): string | undefined {
  const cookies = (headers.cookie ?? '').split(';').map((one) => one.trim());
  return cookies.find((one) => one.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}

function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, basePath: string): void {
  const maxAge = value === '' ? 0 : sessionMs / 1000;
  const secure = request.protocol === 'https' ? '; Secure' : '';
  reply.header('set-cookie', `${cookieName}=${value}; Path=${basePath}/; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`);
}

function field(name: string, type: string, label: string, complete: string): string {
  return `<p><label>${label} <input name="${name}" type="${type}" autocomplete="${complete}" required></label></p>`;
}

function loginPage(access: Access, isWrong: boolean): string {
  const fields =
    access.kind === 'token'
      ? field('token', 'password', 'Token', 'current-password')
      : field('user', 'text', 'User', 'username') + field('password', 'password', 'Password', 'current-password');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>walvault: log in</title></head><body>
<main><h1>walvault</h1>${isWrong ? '<p role="alert">That was wrong.</p>' : ''}
<form method="post" action="login">${fields}<p><button>Log in</button></p></form></main>
</body></html>
`;
}

/** Wrong secrets by address. */
class Attempts {
  readonly #byAddress = new Map<string, { count: number; readonly sinceMs: number }>();

  /** @throws {RequestProblem} 429 when there were too many */
  require(address: string): void {
    const attempts = this.#byAddress.get(address);
    if (attempts === undefined || attempts.count < mostAttempts) return;
    if (Date.now() - attempts.sinceMs > attemptsMs) this.#byAddress.delete(address);
    else throw new RequestProblem(429, 'too many wrong tokens or passwords', { hint: 'Wait a minute.' });
  }

  count(address: string): void {
    const attempts = this.#byAddress.get(address);
    if (attempts !== undefined && Date.now() - attempts.sinceMs <= attemptsMs) {
      attempts.count += 1;
      return;
    }
    this.#byAddress.delete(address);
    this.#byAddress.set(address, { count: 1, sinceMs: Date.now() });
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size > mostAddresses && oldest !== undefined) this.#byAddress.delete(oldest);
  }
}
