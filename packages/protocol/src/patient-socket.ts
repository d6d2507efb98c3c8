/**
 * Sockets that go on reading after a write has failed.
 *
 * A server that ends a connection, or whose machine ends it for the server, leaves what it sent before in our kernel: WAL that
 * may be nowhere else, and its last words. A write of ours that meets the closed door fails while these wait, and Node would
 * throw them away with the socket. libpq reads on in that case (`write_failed` in fe-misc.c), and so do these: a write to
 * somebody who has gone is dropped, and reading comes to the end, which says so.
 */
/* oxlint-disable no-underscore-dangle -- the names by which Node's streams are extended */
import type { Socket } from 'node:net';

type Done = (error?: Error | null) => void;

/** What a write says when the other side has gone. Other errors close the socket as ever. */
const goneCodes: ReadonlySet<unknown> = new Set(['EPIPE', 'ECONNRESET']);

/** Makes a socket read to the end, whatever becomes of the writing. The socket that carries a TLS socket is not meant. */
export function keepReading<T extends Socket>(socket: T): T {
  const write = socket._write.bind(socket);
  const writeMany = socket._writev?.bind(socket);
  socket._write = (chunk: unknown, encoding, done) => write(chunk, encoding, unlessGone(done));
  if (writeMany !== undefined) socket._writev = (chunks, done) => writeMany(chunks, unlessGone(done));
  return socket;
}

function unlessGone(done: Done): Done {
  return (error) => done(hasGone(error) ? null : error);
}

function hasGone(error: (Error & { readonly code?: unknown }) | null | undefined): boolean {
  return error !== null && error !== undefined && goneCodes.has(error.code);
}
