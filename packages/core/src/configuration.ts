/** @walvault/core/configuration: the part of @walvault/core that finds out what is configured, for commands that must start quickly. */
export { ConfigError, formatProblem, loadConfiguration, nearestName } from '@walvault/config';
export type { Configuration, ServerConfig } from '@walvault/config';
export { serverNamed, serversNamed } from './servers.ts';
