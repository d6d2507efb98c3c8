/** Finding servers in the configuration by name. */
import type { Configuration, ServerConfig } from '@walvault/config';
import { CoreError } from './errors.ts';

/**
 * The server of that name.
 * @throws {CoreError} `ERR_UNKNOWN_SERVER`, with the names that there are
 */
export function serverNamed(configuration: Configuration, name: string): ServerConfig {
  const server = configuration.servers.get(name);
  if (server !== undefined) return server;
  if (name === 'all') throw new CoreError('ERR_UNKNOWN_SERVER', `You cannot use 'all' in a single server context`);
  const names = [...configuration.servers.keys()];
  throw new CoreError('ERR_UNKNOWN_SERVER', `Unknown server '${name}'`, {
    hint:
      names.length === 0
        ? `No server is configured in ${configuration.file}.`
        : `Configured in ${configuration.file}: ${names.join(', ')}.`,
  });
}

/**
 * The servers of those names; `all` alone stands for every server.
 * @throws {CoreError} `ERR_UNKNOWN_SERVER`
 */
export function serversNamed(configuration: Configuration, names: readonly string[]): readonly ServerConfig[] {
  if (!names.includes('all')) return names.map((name) => serverNamed(configuration, name));
  if (names.length > 1) throw new CoreError('ERR_UNKNOWN_SERVER', `You cannot use 'all' with other server names`);
  return [...configuration.servers.values()];
}
