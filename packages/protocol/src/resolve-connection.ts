/**
 * From a connection string to everything that is needed to connect: completes it from the service file, the environment, the
 * password file and the defaults in libpq's order, and checks every value (libpq.sgml, "Parameter Key Words"; fe-connect.c,
 * conninfo_add_defaults and pqConnectOptions2).
 *
 * Nothing that was asked for is dropped: a parameter is honoured, or its value makes no difference, or it is refused.
 */
import { stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@walvault/wal';
import { ConninfoError } from './conninfo-error.ts';
import type { ConnectionParameters, HostAddress, TargetSession } from './connection-parameters.ts';
import { type ConnectionSettings, type ConninfoOverrides, type Environment, gatherSettings } from './connection-settings.ts';
import { findPassword, readPassfile } from './passfile.ts';
import { type Place, resolveHosts } from './resolve-hosts.ts';
import { resolveAuthentication } from './resolve-authentication.ts';
import { resolveProtocol } from './resolve-protocol.ts';
import { resolveSocket } from './resolve-socket.ts';
import { resolveTls } from './resolve-tls.ts';
import { refuseUnsupported, tellOfNoEffect } from './unsupported-parameters.ts';

export type { ConninfoOverrides } from './connection-settings.ts';

/** Options of {@link resolveConnection}. */
export interface ResolveConnectionOptions {
  /** Variables to read; those of the process by default. */
  readonly environment?: Environment | undefined;
  /** Parameters of the program's own, which win over the connection string. */
  readonly overrides?: ConninfoOverrides | undefined;
  /** `application_name` when no source gives one. */
  readonly fallbackApplicationName?: string | undefined;
  /** `connect_timeout` in milliseconds when no source gives one. Without it, as for libpq, a server may be silent for ever. */
  readonly fallbackConnectTimeoutMs?: number | undefined;
  /** Where ~ is; HOME or the home of the user by default. */
  readonly homeDirectory?: string | undefined;
  /** Whether a replication connection is wanted: its passwords stand under the database `replication`, or under that of the string. */
  readonly replication?: boolean | undefined;
  /** Told of what is odd but not wrong, such as a password file that others can read. */
  readonly log?: Logger | undefined;
}

/**
 * Resolves a connection string, in either form, to what is needed to connect. Empty is right too: then all comes from the
 * environment and the defaults. Reads the service file, the password file and directories, and opens no connection.
 * @returns a frozen value that holds passwords; show it by `describeConnection`.
 * @throws {ConninfoError} `ERR_INVALID_CONNINFO`, `ERR_UNSUPPORTED_CONNINFO` or `ERR_INVALID_SERVICE_FILE`.
 */
export async function resolveConnection(conninfo: string, options: ResolveConnectionOptions = {}): Promise<ConnectionParameters> {
  const { environment = process.env, overrides = {}, replication = false, log = silentLogger } = options;
  const homeDirectory = options.homeDirectory ?? (environment['HOME'] || homedir());
  const settings = await gatherSettings({ conninfo, overrides, environment, homeDirectory });
  refuseUnsupported(settings);
  tellOfNoEffect(settings, log);
  checkReplication(settings, replication);

  const socketDirectory = await defaultSocketDirectory();
  const user = settings.text('user') ?? operatingSystemUser();
  const database = settings.text('dbname') ?? user;
  const places = resolveHosts(settings, socketDirectory);
  const tls = await resolveTls(settings, homeDirectory);
  const owner = { user, databases: replication ? ['replication', database] : [database] };
  const hosts = await addPasswords(places, settings, { ...owner, socketDirectory, homeDirectory, log });
  return Object.freeze({
    hosts,
    inRandomOrder: settings.choice('load_balance_hosts', ['disable', 'random'], 'disable') === 'random',
    targetSession: settings.choice('target_session_attrs', targetSessions, 'any'),
    user,
    database,
    applicationName:
      settings.text('application_name') ?? options.fallbackApplicationName ?? settings.text('fallback_application_name'),
    options: settings.text('options'),
    protocol: resolveProtocol(settings),
    ...resolveSocket(settings, { fallbackConnectTimeoutMs: options.fallbackConnectTimeoutMs }),
    ...resolveAuthentication(settings),
    tls,
  });
}

interface PasswordLookup {
  readonly user: string;
  /** Names to look under, the better one first. */
  readonly databases: readonly string[];
  readonly socketDirectory: string;
  readonly homeDirectory: string;
  readonly log: Logger;
}

/** Gives each place the password of the connection string or, where that has none, its own of the password file. */
async function addPasswords(
  places: readonly Place[],
  settings: ConnectionSettings,
  lookup: PasswordLookup,
): Promise<readonly HostAddress[]> {
  const password = settings.text('password');
  const { user, databases, socketDirectory, homeDirectory, log } = lookup;
  const path = settings.text('passfile') ?? join(homeDirectory, '.pgpass');
  const passfile = password === undefined ? await readPassfile(path, log) : [];
  const hosts = places.map((place) => {
    const host = place.isUnixSocket && place.host === socketDirectory ? 'localhost' : place.host;
    const found = databases.map((database) => findPassword(passfile, { host, port: place.port, database, user }));
    return Object.freeze({ ...place, password: password ?? found.find((candidate) => candidate !== undefined) });
  });
  return Object.freeze(hosts);
}

const targetSessions: readonly TargetSession[] = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'];
const replicationYes = ['true', 'on', 'yes', '1'];
const replicationNo = ['false', 'off', 'no', '0'];

/** Whether a connection is for replication is decided by what it is used for; a string that says otherwise is in the wrong place. */
function checkReplication(settings: ConnectionSettings, replication: boolean): void {
  const value = settings.text('replication')?.toLowerCase();
  if (value === undefined || (replication ? replicationYes : replicationNo).includes(value)) return;
  if (value !== 'database' && ![...replicationYes, ...replicationNo].includes(value)) {
    settings.refuse('replication', `Allowed values are ${[...replicationYes, ...replicationNo].join(', ')}.`);
  }
  const kind = replication ? 'physical replication' : 'SQL';
  settings.refuseUnsupported('replication', `This connection is for ${kind}; remove replication from it.`, value);
}

/** Where the server's Unix socket is by default: Debian and Red Hat move it out of /tmp. */
async function defaultSocketDirectory(): Promise<string> {
  const packaged = '/var/run/postgresql';
  const isThere = await stat(packaged).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  return isThere ? packaged : '/tmp';
}

function operatingSystemUser(): string {
  try {
    return userInfo().username;
  } catch (error) {
    throw new ConninfoError(
      'ERR_INVALID_CONNINFO',
      'no user name given, and the operating system has no name for the user of this process',
      {
        hint: 'Give the user in the connection string: user=NAME.',
        cause: error,
      },
    );
  }
}
