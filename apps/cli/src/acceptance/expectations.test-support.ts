/** What the acceptance tests hold against: the server's own pg_wal, and a server that recovers from the archive. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, ServerStartError, type Settings, startExisting } from '@walvault/testkit';
import { expect } from 'vitest';
import type { Vault } from './vault.test-support.ts';

/** Every complete segment that was received is what the server wrote, and none is missing between the first and the last. */
export async function expectSameWal(pg: Cluster, vault: Vault): Promise<readonly string[]> {
  const segments = vault.segments();
  const names = [...segments.keys()];
  const serverNames = await pg.walFiles();
  expect(names).toEqual(serverNames.filter((name) => name >= names[0]! && name <= names.at(-1)!));
  for (const [name, path] of segments) {
    const isSame = (await readFile(path)).equals(await readFile(join(pg.walDirectory, name)));
    expect(isSame, `${path} is what the server wrote`).toBe(true);
  }
  return names;
}

/** What became of a recovery. */
export type Recovery = { readonly server: Cluster } | { readonly log: string };

/** Recovers a data directory to the end of the archive: the server when it is a primary again, its log when it stopped. */
export async function recover(dataDirectory: string, options: { segmentSizeMb: number; settings: Settings }): Promise<Recovery> {
  const settings = { recovery_target_timeline: 'latest', ...options.settings };
  let server: Cluster;
  try {
    server = await startExisting(dataDirectory, { ...options, settings, recover: 'recovery' });
  } catch (error) {
    if (error instanceof ServerStartError) return { log: error.log };
    throw error;
  }
  try {
    await server.waitFor('select not pg_is_in_recovery()');
    return { server };
  } catch (error) {
    // Whoever asks a server that is about to stop may be cut off before it has stopped.
    const hasStopped = await server.exited(10_000).then(
      () => true,
      () => false,
    );
    const log = await server.log();
    await server[Symbol.asyncDispose]();
    if (hasStopped) return { log };
    throw error;
  }
}
