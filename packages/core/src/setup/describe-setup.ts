/** The setup of a server as something to read and to run: a script for psql, and lines for pg_hba.conf. */
import type { ServerConfig } from '@walvault/config';
import { type ConnectionParameters, type HostProbe, probeHosts, quoteIdentifier, resolveConnection } from '@walvault/protocol';
import { streamingParameters } from '../connections.ts';
import { CoreError } from '../errors.ts';
import { hbaLine } from '../doctor/judge-refusal.ts';
import { streamingOption, sqlOption } from '../doctor/walk-to-server.ts';
import { planSetup } from './plan-setup.ts';
import type { SetupStep } from './setup-step.ts';

/** A connection of the section. */
export interface SetupConnection {
  readonly option: string;
  readonly purpose: 'replication' | 'sql';
  /** Holds passwords. */
  readonly parameters: ConnectionParameters;
}

/** What a section asks of its server. */
export interface ServerSetup {
  readonly server: ServerConfig;
  readonly connections: readonly SetupConnection[];
  /** Database that rights on functions are given in: that of the ordinary connection. */
  readonly database: string;
  readonly steps: readonly SetupStep[];
}

/** How to find out by which address the server sees this machine. */
export interface ScriptOptions {
  readonly signal: AbortSignal;
  readonly patienceMs: number;
}

/**
 * What the section of a server asks of it. Nothing is connected.
 * @throws {CoreError} `ERR_OPTION_REQUIRED` for a section without a connection
 * @throws {ConninfoError} for a connection string that is wrong
 */
export async function setupOf(server: ServerConfig): Promise<ServerSetup> {
  const connections: SetupConnection[] = [];
  if (server.streamingArchiver) {
    connections.push({ option: streamingOption(server), purpose: 'replication', parameters: await streamingParameters(server) });
  }
  if (server.walConninfo !== undefined) {
    connections.push({ option: sqlOption(server), purpose: 'sql', parameters: await resolveConnection(server.walConninfo) });
  }
  if (connections.length === 0) {
    throw new CoreError('ERR_OPTION_REQUIRED', `no connection is configured for server '${server.name}'`, {
      hint: `Set streaming_conninfo or conninfo in section [${server.name}].`,
    });
  }
  const parametersOf = (purpose: SetupConnection['purpose']) => connections.find((one) => one.purpose === purpose)?.parameters;
  const steps = planSetup({
    streamingUser: parametersOf('replication')?.user,
    ordinaryUser: parametersOf('sql')?.user,
    slotName: server.slotName,
    applicationName: parametersOf('replication')?.applicationName ?? server.streamingArchiverName,
    usesArchiveCommand: server.archiver,
  });
  return { server, connections, database: parametersOf('sql')?.database ?? 'postgres', steps };
}

/** Lines for pg_hba.conf, one for each connection. The address is that by which this machine reaches the server, if it does. */
export async function hbaLines({ connections }: ServerSetup, options: ScriptOptions): Promise<readonly string[]> {
  const lines = connections.map(async (connection) => {
    const hosts: readonly HostProbe[] = await probeHosts(connection.parameters, options);
    return hbaLine({ ...connection, hosts });
  });
  return [...new Set(await Promise.all(lines))];
}

/** The script for psql, as a superuser. It can be run again and again, and does each time what is still to do. */
export function setupScript({ server, connections, database, steps }: ServerSetup, hba: readonly string[]): readonly string[] {
  const users = [...new Set(connections.map(({ parameters }) => parameters.user))];
  return [
    `-- Prepares a server for section [${server.name}] of walvault. Run it by psql as a superuser; it can be run again at any time,`,
    '-- and does what is still to do. On a standby it leaves out what comes from the primary: run it there as well.',
    String.raw`\set ON_ERROR_STOP on`,
    `\\connect ${quoteIdentifier(database)}`,
    ...steps.flatMap(scriptOf),
    '',
    '-- Some settings wait for this, and some for a restart of the server: these.',
    'SELECT pg_catalog.pg_reload_conf();',
    'SELECT pg_catalog.pg_sleep(0.5);',
    `SELECT name AS "restart needed for" FROM pg_catalog.pg_settings WHERE pending_restart;`,
    ...(steps.some(({ title }) => title.startsWith('slot'))
      ? ['-- Run the script again after that restart: the slot can be made then.']
      : []),
    '',
    '-- A password for each role, where pg_hba.conf asks for one; psql asks for it, and sends it encrypted:',
    ...users.map((user) => `--   \\password ${quoteIdentifier(user)}`),
    '',
    '-- Lines for pg_hba.conf (SHOW hba_file), above those that match the same; then: SELECT pg_reload_conf();',
    ...hba.map((line) => `--   ${line}`),
    ...(server.archiver ? ['', '-- archive_command must bring segments to this machine: "walvault doctor" says how.'] : []),
  ];
}

function scriptOf({ title, isNeeded, statement, place }: SetupStep): readonly string[] {
  const condition = place === 'primary' ? `NOT pg_catalog.pg_is_in_recovery() AND ${isNeeded}` : isNeeded;
  return ['', `-- ${title}`, `SELECT ${statement}`, `  WHERE ${condition} \\gexec`];
}
