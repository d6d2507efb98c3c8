/** A stream from a scripted server, and what tests say about streams again and again. */
import { backend, createAuthority, type ScriptedServer, type ScriptedServerOptions, temporaryDirectory } from '@walvault/testkit';
import { firstTimelineId, formatLsn, parseLsn, toLsn } from '@walvault/wal';
import { openSession } from './open-session.ts';
import { type TestParameters, testParameters } from './parameters.test-support.ts';
import { ReplicationConnection } from './replication-connection.ts';
import type { ReplicationMessage } from './replication-messages.ts';
import { ReplicationStream } from './replication-stream.ts';
import { done, type Script, serve } from './scripted-server.test-support.ts';

/** Where streams of tests start. */
export const start = { startLsn: parseLsn('0/1000000'), timelineId: firstTimelineId };
/** A status that any server may be told. */
export const status = { writeLsn: parseLsn('0/2'), flushLsn: parseLsn('0/1'), applyLsn: toLsn(0) };
/** The end of a copy that says nothing of a next timeline. */
export const endOfCopy: Buffer = Buffer.concat([
  backend.copyDone(),
  backend.commandComplete('START_STREAMING'),
  done('START_REPLICATION'),
]);

/** What the server answers to our CopyDone at the end of a timeline. */
export function nextTimeline(timelineId: string | null, startLsn: string | null): Buffer {
  return Buffer.concat([
    backend.rowDescription(['next_tli', 'next_tli_startpos']),
    backend.dataRow([timelineId, startLsn]),
    backend.commandComplete('START_STREAMING'),
    done('START_REPLICATION'),
  ]);
}

/** The ways on which clients come to a server. */
export const transports = ['TCP', 'TLS', 'a Unix socket'] as const;
export type Transport = (typeof transports)[number];

const authority = createAuthority();

/** A server by script on this kind of transport, and what leads to it. */
export async function serveOver(
  transport: Transport,
  script: Script,
): Promise<AsyncDisposable & { readonly server: ScriptedServer; readonly reach: TestParameters }> {
  await using stack = new AsyncDisposableStack();
  const options: ScriptedServerOptions = {
    tls: transport === 'TLS' ? authority.issue({ commonName: 'server' }) : undefined,
    socketDirectory: transport === 'a Unix socket' ? stack.use(await temporaryDirectory('scripted-server')).path : undefined,
  };
  const server = stack.use(await serve(script, options));
  const held = stack.move();
  return {
    server,
    reach: {
      port: server.port,
      host: options.socketDirectory,
      tls: { mode: transport === 'TLS' ? 'require' : 'disable' },
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** How {@link connect} and {@link streaming} connect. */
export interface ConnectTestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly answerTimeoutMs?: number | undefined;
}

/** Connects as `connectReplication` does, with the time limit of the test. */
export async function connect(reach: TestParameters, options: ConnectTestOptions = {}): Promise<ReplicationConnection> {
  const { signal = new AbortController().signal, answerTimeoutMs } = options;
  const opened = await openSession({ parameters: testParameters(reach), purpose: 'replication', signal });
  return new ReplicationConnection(opened, { answerTimeoutMs });
}

/** A running stream, and what it runs over. */
export interface Streaming extends AsyncDisposable {
  readonly server: ScriptedServer;
  readonly connection: ReplicationConnection;
  readonly stream: ReplicationStream;
}

/** A stream from a server that goes on by the script once the stream has begun. */
export async function streaming(
  script: Script,
  options: ConnectTestOptions & { readonly transport?: Transport | undefined } = {},
): Promise<Streaming> {
  await using stack = new AsyncDisposableStack();
  const { server, reach } = stack.use(
    await serveOver(options.transport ?? 'TCP', async (client) => {
      await client.welcome(backend.welcome());
      await client.query();
      client.send(backend.copyBothResponse());
      return await script(client);
    }),
  );
  const connection = stack.use(await connect(reach, options));
  const stream = await connection.startReplication(start);
  if (!(stream instanceof ReplicationStream)) throw new Error('no stream');
  const held = stack.move();
  return { server, connection, stream, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** What a stream gives until it ends, one line a message. */
export async function lines(stream: ReplicationStream): Promise<string[]> {
  const seen: string[] = [];
  for await (const batch of stream) seen.push(...batch.map(describeMessage));
  return seen;
}

/** A message as one line. */
export function describeMessage(message: ReplicationMessage): string {
  if (message.kind === 'walData') return `${formatLsn(message.dataStart)} ${message.data.toString()}`;
  return `keepalive ${formatLsn(message.walEnd)}${message.replyRequested ? ' reply' : ''}`;
}
