/** A configuration in a directory of its own, for one test. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ServerConfig } from '@walvault/core';
import { loadConfiguration } from '@walvault/core/configuration';
import { temporaryDirectory } from '@walvault/testkit';

/** Sections by name, of options by name. */
export type Sections = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** The servers, where their files are, and the file itself. */
export interface ConfiguredServers extends AsyncDisposable {
  readonly servers: readonly ServerConfig[];
  readonly configFile: string;
  /** `barman_home`. */
  readonly home: string;
  /** A path in the directory of a server. */
  path(server: string, ...names: readonly string[]): string;
}

/** Writes it and reads it. */
export async function configured(sections: Sections): Promise<ConfiguredServers> {
  const directory = await temporaryDirectory('web-status');
  const home = directory.path;
  const configFile = join(home, 'walvault.conf');
  const all = { barman: { barman_home: home }, ...sections };
  const text = Object.entries(all).map(([name, options]) => {
    const lines = Object.entries(options).map(([option, value]) => `${option} = ${value}`);
    return [`[${name}]`, ...lines].join('\n');
  });
  await writeFile(configFile, `${text.join('\n')}\n`);
  const { servers } = await loadConfiguration({ explicit: configFile });
  return {
    servers: [...servers.values()],
    configFile,
    home,
    path: (server, ...names) => join(home, server, ...names),
    [Symbol.asyncDispose]: async () => directory[Symbol.asyncDispose](),
  };
}
