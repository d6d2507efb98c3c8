/**
 * Data directories as initdb makes them. It takes a second each time, and the tests want some hundreds; so it is run once for
 * every kind of cluster, and what it made is kept in the checkout and copied. A copy gets a system identifier of its own: by
 * that number everybody tells one cluster from another.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { keptDirectory } from './kept-directory.ts';
import { serverUserName, spawnAsServerUser } from './server-user.ts';

/** Where the first page of a segment has the system identifier (xlog_internal.h, XLogLongPageHeaderData). */
const pageSystemIdentifier = 24;

/** Makes a data directory that nobody else has, as initdb with these arguments does. */
export async function makeDataDirectory(programs: Binaries, dataDirectory: string, args: readonly string[]): Promise<void> {
  const template = await templateFor(programs, args);
  await run('cp', ['-a', template, dataDirectory]);
  giveSystemIdentifier(dataDirectory);
}

/** Another process may make the same one meanwhile: whoever is first with the whole of it has made it. */
async function templateFor(programs: Binaries, args: readonly string[]): Promise<string> {
  const kind = JSON.stringify([programs.version, args, serverUserName()]);
  const template = join(keptDirectory('clusters'), createHash('sha256').update(kind).digest('hex').slice(0, 16));
  if (existsSync(template)) return template;
  const made = `${template}-${randomUUID()}`;
  try {
    await run(programs.initdb, ['-D', made, '--no-sync', ...args]);
    renameSync(made, template);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  return template;
}

/** Writes a new system identifier to where it stands: in the control file, and in the WAL that the server starts from. */
function giveSystemIdentifier(dataDirectory: string): void {
  const identifier = randomBytes(8);
  // As initdb makes it, the time is the upper half (BootStrapXLOG).
  identifier.writeUInt32LE(Math.floor(Date.now() / 1000), 4);
  const controlFile = join(dataDirectory, 'global/pg_control');
  const control = readFileSync(controlFile);
  const end = checksumOffset(control);
  identifier.copy(control);
  control.writeUInt32LE(crc32c(control.subarray(0, end)), end);
  overwrite(controlFile, control, 0);
  const wal = join(dataDirectory, 'pg_wal');
  const segments = readdirSync(wal).filter((name) => /^[0-9A-F]{24}$/.test(name));
  for (const name of segments) overwrite(join(wal, name), identifier, pageSystemIdentifier);
}

function overwrite(path: string, bytes: Uint8Array, position: number): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, position);
  closeSync(file);
}

/** The checksum ends the control file (pg_control.h), behind fields that every major has others of. */
function checksumOffset(control: Buffer): number {
  for (let offset = 200; offset < 512; offset += 4)
    if (control.readUInt32LE(offset) === crc32c(control.subarray(0, offset))) return offset;
  throw new Error('pg_control has no checksum where one could be');
}

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const child = spawnAsServerUser(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${said}`);
}
