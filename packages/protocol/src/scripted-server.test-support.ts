/** Scripts for the testkit's server that nearly all tests of a connection begin with. */
import {
  backend,
  type ReportFields,
  type ScriptedConnection,
  type ScriptedServer,
  scriptedServer,
  type ScriptedServerOptions,
} from '@walvault/testkit';

/** What a server does; when it returns, the connection stays open until the client leaves, unless the server wants to. */
export type Script = (client: ScriptedConnection) => Promise<'leave' | void> | void;

/** A server that goes by a script from the first byte on. */
export async function serve(script: Script, options?: ScriptedServerOptions): Promise<ScriptedServer> {
  return await scriptedServer(async (client) => {
    if ((await script(client)) !== 'leave') await client.closed();
  }, options);
}

/** A server that lets everybody in, and goes on by the script. */
export async function serveWelcome(script: Script = () => {}, version = '18.4'): Promise<ScriptedServer> {
  return await serve(async (client) => {
    await client.welcome(backend.welcome({ server_version: version }));
    return await script(client);
  });
}

/** A script that refuses the client. */
export function refuse(sqlState: string, text: string): Script {
  return async (client) => {
    await client.startup();
    client.send(fatal({ C: sqlState, M: text }));
  };
}

/** An ErrorResponse that leaves the connection usable. */
export function error(fields: ReportFields): Buffer {
  return backend.errorResponse({ S: 'ERROR', V: 'ERROR', ...fields });
}

/** An ErrorResponse that ends the connection. */
export function fatal(fields: ReportFields): Buffer {
  return backend.errorResponse({ S: 'FATAL', V: 'FATAL', ...fields });
}

/** A WALData message with these bytes at the end of the server's WAL. */
export function wal(start: bigint, data: string): Buffer {
  return backend.walData(start, start + BigInt(data.length), Buffer.from(data));
}

/** The answer to a command that has no rows. */
export function done(tag: string): Buffer {
  return Buffer.concat([backend.commandComplete(tag), backend.readyForQuery()]);
}
