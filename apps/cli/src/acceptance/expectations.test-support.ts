/** What the acceptance tests hold against: the server's own pg_wal, and a server that recovers from the archive. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, ServerStartError, type Settings, startExisting } from '@walvault/testkit';
import { expect } from 'vitest';
import type { Vault } from './vault.test-support.ts';

/** Every complete segment that was received is what the server wrote, and none is missing between the first and the last. */
export async function expectSameWal(pg: Cluster, vault: Vault): Promise<readonly string[]> {
  const names = [...vault.segments().keys()];
  const serverNames = await pg.walFiles();
  expect(names).toEqual(serverNames.filter((name) => name >= names[0]! && name <= names.at(-1)!));
  for (const name of names) {
    const isSame = (await vault.readSegment(name)).equals(await readFile(join(pg.walDirectory, name)));
    expect(isSame, `${name} is what the server wrote`).toBe(true);
  }
  return names;
}

/**
 * The same where the timeline changed on the way: each complete segment of 1 MiB is what one of the servers has under that name, and
 * every next one follows the one before, on its timeline or a later one.
 */
export async function expectSameWalAcross(servers: readonly Cluster[], vault: Vault): Promise<readonly string[]> {
  const segments = [...vault.segments().keys()];
  for (const name of segments) {
    const received = await vault.readSegment(name);
    const copies = servers.map((server) => join(server.walDirectory, name)).filter((file) => existsSync(file));
    const written = await Promise.all(copies.map((file) => readFile(file)));
    const isSame = written.some((bytes) => bytes.equals(received));
    expect(isSame, `${name} is what a server wrote (${copies.join(', ')})`).toBe(true);
  }
  const names = segments.toSorted((a, b) => segmentNumber(a) - segmentNumber(b) || (a < b ? -1 : 1));
  for (const [index, name] of names.slice(1).entries()) {
    const before = names[index]!;
    expect(segmentNumber(name) - segmentNumber(before), `${name} follows ${before}`).toBeLessThanOrEqual(1);
    expect(name.slice(0, 8) >= before.slice(0, 8), `${name} is on no earlier timeline than ${before}`).toBe(true);
  }
  return names;
}

/** The number of a segment of 1 MiB, of which 4096 have the same middle part of the name. */
export function segmentNumber(name: string): number {
  return Number.parseInt(name.slice(8, 16), 16) * 4096 + Number.parseInt(name.slice(16, 24), 16);
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
    await server.waitFor('select not pg_is_in_recovery()', 120_000);
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
