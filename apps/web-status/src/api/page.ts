/**
 * The page: its files are read once, at the start, and served from memory by exact names, so that no path of a request reaches the file
 * system. Without a build of the page there is one that says how to make it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** A file of the page, ready to be sent. */
interface PageFile {
  readonly content: Buffer;
  readonly type: string;
  readonly etag: string;
  /** By content coding; none for what is compressed already. */
  readonly encoded: ReadonlyMap<'br' | 'gzip', Buffer>;
  /** Its name changes with its content. */
  readonly isImmutable: boolean;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

const buildDirectory = fileURLToPath(new URL('../../dist/page', import.meta.url));

const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>walvault</title></head><body>
<h1>The page is not built</h1>
<p>This is a checkout without a build. Run <code>npm run build:page</code> in it, then start again. The API is at <a href="api/v1/servers">api/v1/servers</a>.</p>
</body></html>
`;

/** Where the page comes from, and where it is seen. */
export interface PageOptions {
  /** Directory of the build; the one that belongs to this program unless given. */
  readonly directory?: string | undefined;
  /** Empty, or begins with a slash and ends without one. */
  readonly basePath: string;
}

/** Registers a route for each file of the page, and for the page itself. */
export async function servePage(app: FastifyInstance, { directory = buildDirectory, basePath }: PageOptions): Promise<void> {
  const files = await readPage(directory);
  for (const [name, file] of files) {
    const send = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => sendFile(file, request, reply);
    app.get(`/${name}`, send);
    if (name !== 'index.html') continue;
    // What the page asks for is relative to its address, which therefore has to end with a slash.
    app.get('/', async (request, reply) =>
      basePath !== '' && request.url.split('?')[0] === basePath ? reply.redirect(`${basePath}/`, 301) : send(request, reply),
    );
  }
}

async function readPage(directory: string): Promise<ReadonlyMap<string, PageFile>> {
  if (!existsSync(join(directory, 'index.html'))) return new Map([['index.html', pageFile('index.html', Buffer.from(notBuilt))]]);
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = await Promise.all(
    paths.map(async (path) => {
      const name = path.slice(directory.length + 1).replaceAll('\\', '/');
      return [name, pageFile(name, await readFile(path))] as const;
    }),
  );
  return new Map(files.filter(([name]) => extname(name) in types));
}

function pageFile(name: string, content: Buffer): PageFile {
  const type = types[extname(name)] ?? 'application/octet-stream';
  const isText = type.includes('charset') || type.includes('svg') || type.includes('json');
  const encoded = new Map<'br' | 'gzip', Buffer>(
    isText
      ? [
          ['br', brotliCompressSync(content)],
          ['gzip', gzipSync(content)],
        ]
      : [],
  );
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  // As vite names what it builds: index-BsD2k3Ab.js
  return { content, type, etag, encoded, isImmutable: /-[\w-]{8}\.\w+$/.test(name) };
}

function sendFile(file: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('etag', file.etag).header('vary', 'accept-encoding').type(file.type);
  reply.header('cache-control', file.isImmutable ? 'private, max-age=31536000, immutable' : 'no-cache');
  if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
  const accepted = (request.headers['accept-encoding'] ?? '').split(',').map((coding) => coding.trim().split(';')[0]);
  const coding = (['br', 'gzip'] as const).find((one) => accepted.includes(one) && file.encoded.has(one));
  const body = coding === undefined ? file.content : file.encoded.get(coding);
  if (coding !== undefined) reply.header('content-encoding', coding);
  return reply.send(body);
}
