/** Where the configuration file is: our own places first, then Barman's, so that a Barman installation is found as it is. */
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from './errors.ts';

/** Where to look. */
export interface FindOptions {
  /** The file that the user named (`-c FILE`). It is taken or refused, nothing else is looked for. */
  readonly explicit?: string | undefined;
  /** Environment variables; those of the process unless given. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** The user's home directory; that of the process's user unless given. */
  readonly homeDirectory?: string | undefined;
  /** Directory of the system-wide files, `/etc` unless given. */
  readonly systemDirectory?: string | undefined;
}

interface Place {
  readonly path: string;
  /** How the user named this very file; it must then be there. */
  readonly namedBy?: string | undefined;
}

/**
 * Finds the configuration file: the explicit one, `WALVAULT_CONFIG_FILE`, `~/.walvault.conf`, `/etc/walvault.conf`,
 * and then Barman's: `BARMAN_CONFIG_FILE`, `~/.barman.conf`, `/etc/barman.conf`, `/etc/barman/barman.conf`.
 * The first that exists counts; the others are not read. An empty variable counts as not set.
 * @returns its absolute path.
 * @throws {ConfigError} `ERR_CONFIG_NOT_FOUND` when a file that was named is not there, or none is anywhere;
 *   `ERR_CONFIG_UNREADABLE` when a place cannot be looked at or holds no file.
 */
export async function findConfigurationFile(options: FindOptions = {}): Promise<string> {
  const places = placesOf(options);
  for (const { path, namedBy } of places) {
    if (await isFile(path)) return path;
    if (namedBy !== undefined) {
      throw new ConfigError('ERR_CONFIG_NOT_FOUND', `configuration file "${path}" does not exist`, {
        hint: `The file was named by ${namedBy}; correct the name, or leave it away to have the usual places looked at.`,
      });
    }
  }
  throw new ConfigError(
    'ERR_CONFIG_NOT_FOUND',
    `no configuration file found, looked for ${places.map(({ path }) => path).join(', ')}`,
    {
      hint: 'Write one at one of these places, or name it with -c FILE or the variable WALVAULT_CONFIG_FILE.',
    },
  );
}

function placesOf(options: FindOptions): readonly Place[] {
  if (options.explicit !== undefined) return [{ path: resolve(options.explicit), namedBy: '-c' }];
  const environment = options.environment ?? process.env;
  const home = options.homeDirectory ?? homedir();
  const system = options.systemDirectory ?? '/etc';
  return [
    ...fromVariable(environment, 'WALVAULT_CONFIG_FILE'),
    { path: join(home, '.walvault.conf') },
    { path: join(system, 'walvault.conf') },
    ...fromVariable(environment, 'BARMAN_CONFIG_FILE'),
    { path: join(home, '.barman.conf') },
    { path: join(system, 'barman.conf') },
    { path: join(system, 'barman/barman.conf') },
  ];
}

function fromVariable(environment: Readonly<Record<string, string | undefined>>, name: string): readonly Place[] {
  const path = environment[name];
  return path === undefined || path === '' ? [] : [{ path: resolve(path), namedBy: name }];
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw new ConfigError('ERR_CONFIG_UNREADABLE', `cannot look for configuration file "${path}": ${error.code}`, {
      cause: error,
    });
  });
  if (found === undefined) return false;
  if (!found.isDirectory()) return true;
  throw new ConfigError('ERR_CONFIG_UNREADABLE', `configuration file "${path}" is a directory`);
}
