/** What is answered instead of a result: RFC 9457, and nothing of the inside but codes of ours and their hints. */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { WalvaultError } from '@walvault/wal';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../schema/problem.ts';

/** Thrown by a route, answered as it is. */
export class RequestProblem extends Error {
  readonly problem: Problem;

  constructor(status: number, detail: string, more: Partial<Problem> = {}) {
    super(detail);
    this.problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, ...more };
  }
}

/** Sends a problem. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}

/** Errors and unknown addresses of all routes. */
export function answerProblems(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const detail =
      request.method === 'GET' || request.method === 'HEAD' ? 'there is nothing at this address' : 'this server is read-only';
    return sendProblem(reply, new RequestProblem(404, detail).problem);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(reply, problemOf(error, request)));
}

/** What is wrong with the question, and not with us. */
const statuses: Readonly<Record<string, number>> = { ERR_TIMELINE_UNKNOWN: 404 };

function problemOf(error: FastifyError, request: FastifyRequest): Problem {
  if (error instanceof RequestProblem) return error.problem;
  if (WalvaultError.is(error)) {
    request.log.warn({ code: error.code, reason: error.message }, 'a request could not be answered');
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    return new RequestProblem(statuses[error.code] ?? 503, error.message, {
      type: `urn:walvault:error:${error.code}`,
      code: error.code,
      ...hint,
    }).problem;
  }
  const status = error.statusCode ?? 500;
  // What fastify and its plug-ins refuse, they say in words of their own that hold nothing of the inside.
  if (status >= 400 && status < 500) return new RequestProblem(status, error.message).problem;
  request.log.error({ err: error }, 'unexpected');
  return new RequestProblem(500, 'something went wrong here; the log says what').problem;
}

/** What fastify refuses before it has found a route, as an address that cannot be decoded. */
export function sendFrameworkProblem(error: FastifyError, _: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, new RequestProblem(error.statusCode ?? 400, 'the address cannot be read').problem);
}

const clientErrors: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** What node refuses before it has a request. The socket is closed, since where the next request begins is not known. */
export function answerClientError(error: Error & { readonly code?: string | undefined }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { problem } = new RequestProblem(clientErrors[error.code ?? ''] ?? 400, 'this is no request that can be read');
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
