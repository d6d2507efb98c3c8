/** Servers that lose WAL quickly, and what tests of holes look at. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HolesFile, RecordedHole } from '@walvault/core';
import { type Cluster, fillSegments, type PostgresMajor, startCluster } from '@walvault/testkit';
import { expect } from 'vitest';
import { caughtUp, sectionFor, type Section, Vault } from './vault.test-support.ts';

/** A server with small segments that keeps no more WAL than it must. What it removes was copied aside, see {@link keptAside}. */
export async function forgetfulCluster(major: PostgresMajor = 18): Promise<Cluster> {
  const archiving = { archive_mode: 'on', archive_command: 'mkdir -p ../aside && cp %p ../aside/%f' };
  const settings = { max_wal_size: '2MB', min_wal_size: '2MB', checkpoint_timeout: '1h', wal_keep_size: 0, ...archiving };
  return startCluster({ major, segmentSizeMb: 1, settings });
}

/** Directory of the segments that a forgetful server has written: all of them, sooner or later. */
export function keptAside(pg: Cluster): string {
  return join(pg.dataDirectory, '../aside');
}

/** Writes WAL until the server has removed this segment and all before it. */
export async function forgetWal(pg: Cluster, segment: string): Promise<void> {
  do {
    await fillSegments(pg, 3);
    await pg.query('checkpoint');
  } while ((await pg.walFiles()).some((name) => name <= segment));
}

/** From now on slots lose their WAL as soon as there is some more, or not any more. */
export async function letSlotsLose(pg: Cluster, what: 'WAL' | 'nothing'): Promise<void> {
  await pg.query(`alter system set max_slot_wal_keep_size = '${what === 'WAL' ? '1MB' : '-1'}'`);
  await pg.reload();
}

/** A vault that has received some segments and a piece of one, while its receiver is stopped. */
export async function stoppedVault(pg: Cluster, more: Section = {}): Promise<Vault> {
  const vault = await Vault.create({ pg: sectionFor(pg, more) });
  if (more['slot_name'] === '') await vault.startReceiver();
  else await vault.startReceiving();
  await fillSegments(pg, 2);
  await caughtUp(pg);
  await vault.succeed('receive-wal', '--stop', 'pg');
  await pg.waitFor('select count(*) = 0 from pg_stat_replication');
  return vault;
}

/** The server loses what comes next: the slot is dropped, WAL is removed, and the slot is created again. */
export async function dropAndRecreateSlot(pg: Cluster, vault: Vault): Promise<void> {
  await vault.succeed('receive-wal', '--drop-slot', 'pg');
  await forgetWal(pg, partialSegment(vault));
  await vault.succeed('receive-wal', '--create-slot', 'pg');
}

/** The holes on record for the server `pg`. */
export async function holesOf(vault: Vault): Promise<readonly RecordedHole[]> {
  return (JSON.parse(await readFile(vault.path('holes.json'), 'utf8')) as HolesFile).holes;
}

/** The segment of which `....partial` lies in the streaming directory of `pg`, the last one; there must be one. */
export function partialSegment(vault: Vault): string {
  const name = vault.names('streaming').findLast((entry) => entry.endsWith('.partial'));
  if (name === undefined) throw new Error('there is no partial segment');
  return name.slice(0, 24);
}

/** All complete segments from this one on are what the server wrote; their names, of which there is at least one. */
export async function expectSameFrom(pg: Cluster, vault: Vault, from: string): Promise<readonly string[]> {
  const names = [...vault.segments().keys()].filter((name) => name >= from);
  for (const name of names) {
    await pg.waitFor(`select last_archived_wal >= '${name}' from pg_stat_archiver`);
    const isSame = (await vault.readSegment(name)).equals(await readFile(join(keptAside(pg), name)));
    expect(isSame, name).toBe(true);
  }
  expect(names.length).toBeGreaterThan(0);
  return names;
}
