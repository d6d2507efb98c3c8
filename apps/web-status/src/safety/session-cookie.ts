/** The cookie of a session, and a second one without any secret that tells the page that it can offer to log out. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { loggedInCookie } from '../schema/session.ts';
import { sessionMs } from './access.ts';

const cookieName = 'walvault_session';

/** What a request shows. */
export function sessionOf({ headers }: FastifyRequest): string | undefined {
  const cookies = (headers.cookie ?? '').split(';').map((one) => one.trim());
  return cookies.find((one) => one.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
}

/** Keeps a session in the browser. @param session empty to take it away */
export function keepSession(request: FastifyRequest, reply: FastifyReply, session: string, basePath: string): void {
  const maxAge = session === '' ? 0 : sessionMs / 1000;
  const secure = request.protocol === 'https' ? '; Secure' : '';
  const common = `Path=${basePath}/; Max-Age=${maxAge}`;
  reply.header('set-cookie', [
    `${cookieName}=${session}; ${common}; HttpOnly; SameSite=Strict${secure}`,
    `${loggedInCookie}=1; ${common}; SameSite=Strict${secure}`,
  ]);
}
