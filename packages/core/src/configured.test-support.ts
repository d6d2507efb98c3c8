/** A configuration of a test: a main directory that is removed with it, and servers as their sections say. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Configuration, loadConfiguration, type ServerConfig } from '@walvault/config';

/** A loaded configuration and its main directory. */
export interface Configured extends AsyncDisposable {
  readonly home: string;
  readonly configuration: Configuration;
  /** The server `pg`. */
  readonly pg: ServerConfig;
}

/** A server that nobody answers for. */
export const nowhere = 'conninfo = host=127.0.0.1 port=1 user=x\nstreaming_archiver = on\nslot_name = barman\n';

/** Writes and loads a configuration with a server `pg`; `more` are further sections. */
export async function configured(section: string = nowhere, more = ''): Promise<Configured> {
  const home = await mkdtemp(join(tmpdir(), 'walvault-core-'));
  const file = join(home, 'walvault.conf');
  await writeFile(file, `[barman]\nbarman_home = ${home}\n[pg]\n${section}\n${more}`);
  const configuration = await loadConfiguration({ explicit: file });
  const pg = configuration.servers.get('pg');
  if (pg === undefined) throw new Error('no server pg');
  return { home, configuration, pg, [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }) };
}
