/** A real Barman on the main directory of a vault, and what it does there: it streams, and takes turns with walvault. */
import { readdirSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Barman, type BarmanSection, barmanSectionFor, type Cluster, startAsServerUser } from '@walvault/testkit';
import { expect, vi } from 'vitest';
import type { Section, Vault } from './vault.test-support.ts';

/** A compression that both know, and how a section asks for it. */
export interface SharedCompression {
  readonly name: string;
  readonly section: Section;
}

/** A compression of our own making: with first bytes that are no known compressor's. */
export const custom: Section = {
  compression: 'custom',
  custom_compression_filter: `sh -c 'printf custom; exec gzip -1'`,
  custom_decompression_filter: `sh -c 'dd bs=6 skip=1 iflag=fullblock 2>/dev/null | gzip -d'`,
  custom_compression_magic: '0x637573746f6d',
};

/** The compressions that Barman 3.4 knows. */
export const sharedCompressions: readonly SharedCompression[] = [
  { name: 'none', section: {} },
  ...['gzip', 'pigz', 'pygzip', 'bzip2', 'pybzip2'].map((name) => ({ name, section: { compression: name } })),
  { name: 'custom', section: custom },
];

/** Barman with the server `pg` in the directories of the vault, so that the two see the same files. */
export async function barmanBeside(vault: Vault, pg: Cluster, more?: BarmanSection): Promise<Barman> {
  return Barman.create({ pg: sharedSection(pg, more) }, { home: vault.home });
}

/** Barman's section for that server. It compresses by the custom filter unless told otherwise: only then it knows what that wrote. */
export function sharedSection(pg: Cluster, more: BarmanSection = custom): BarmanSection {
  return barmanSectionFor(pg, { immediate_checkpoint: 'true', ...more });
}

/** Lets Barman receive until the segments that the work names as complete are in its streaming directory. */
export async function receiveByBarman(barman: Barman, pg: Cluster, work: () => Promise<readonly string[]>): Promise<void> {
  await using receiver = await startAsServerUser(barman.argv('receive-wal', 'pg'));
  await receiver.waitForOutput(/starting log streaming/);
  const complete = await work();
  await untilStreamed(barman, (names) => complete.every((name) => names.includes(name)));
  expect(await receiver.kill('SIGINT')).toMatchObject({ code: 0 });
  await pg.waitFor('select not active from pg_replication_slots');
}

/** Waits until the names in the streaming directory are as wanted. */
export async function untilStreamed(barman: Barman, isEnough: (names: readonly string[]) => boolean): Promise<void> {
  await vi.waitFor(() => expect(readdirSync(barman.path('streaming'))).toSatisfy(isEnough), { timeout: 60_000 });
}

/** Makes a directory with an `ssh` that runs the command on this machine, as if it were the other; it finds `barman` in `programs`. */
export async function localSsh(directory: string, programs: string): Promise<string> {
  const script = `#!/bin/sh
while true; do case $1 in -p) shift 2 ;; -*) shift ;; *) break ;; esac; done
shift
PATH="${programs}:$PATH" exec sh -c "$*"
`;
  const path = join(directory, 'ssh');
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}
