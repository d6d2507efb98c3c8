/**
 * What waits to be archived, what the archive has already, and what must have become of it: one such story for a schedule on the
 * model of a disk, from a seed.
 */
import { join } from 'node:path';
import type { DiskMount, Random } from '@walvault/testkit/faulty-disk';
import { parseWalFileName } from '@walvault/wal';
import { segmentName, walFile } from '../../testing.ts';
import { encodeWhole } from '../content/encode.ts';
import { archivePath } from '../wal-files/layout.ts';
import { formatXlogDbLine } from '../wal-files/xlog-db-line.ts';

export const directories = { streaming: '/streaming', incoming: '/incoming', wals: '/wals', errors: '/errors' } as const;

/** A file that lies somewhere at the beginning. */
export interface ModelItem {
  readonly path: string;
  readonly name: string;
  readonly content: Buffer;
  /** Where it must be in the end. A file of a source that the archive has already is gone then, but not its content. */
  readonly fate: 'archive' | 'errors' | 'stays';
  /** It was synced by whoever wrote it. What was not may be lost until it is archived. */
  readonly isDurable: boolean;
  /** It is in the archive, and noted in xlog.db. */
  readonly isNoted?: boolean;
}

/** Makes up a story: at least one file waits. */
export function modelItems(random: Random): readonly ModelItem[] {
  const items = [...streamed(random), ...brought(random)];
  const waiting = items.length === 0 ? [streamingItem('00000002.history')] : items;
  return [...waiting, ...waiting.flatMap((item) => archivedBefore(item, random) ?? [])];
}

/** Puts the files of a story on the disk. */
export async function layOut(mount: DiskMount, items: readonly ModelItem[]): Promise<void> {
  for (const { path, content, isDurable } of items) {
    await mount.mkdir(parent(path), { recursive: true, mode: 0o700 });
    await write(mount, path, content, isDurable);
  }
  const noted = items.filter(({ isNoted }) => isNoted === true);
  const lines = noted.map(({ name, content }) =>
    formatXlogDbLine({ name, size: content.length, modifiedAt: 0, compression: undefined }),
  );
  if (lines.length > 0) await write(mount, join(directories.wals, 'xlog.db'), Buffer.from(lines.join('')), true);
  const made = new Set(items.flatMap(({ path }) => [parent(path), directories.wals]));
  for (const directory of made) {
    await using handle = await mount.open(directory, 'r');
    await handle.sync();
  }
}

function* streamed(random: Random): Generator<ModelItem> {
  const count = random.pick([0, 1, 2, 3]);
  for (let number = 1; number <= count; number += 1) {
    if (random.chance(0.1)) yield damaged(segmentName(1, number));
    else yield streamingItem(segmentName(1, number));
  }
  if (random.chance(0.4)) yield streamingItem('00000002.history');
  if (random.chance(0.3)) yield streamingItem(`${segmentName(1, 5)}.partial`);
  yield { ...streamingItem(`${segmentName(2, 6)}.partial`), fate: 'stays' };
  if (random.chance(0.2)) yield { ...streamingItem('notes.txt', Buffer.from('do not lose me')), fate: 'errors' };
}

function* brought(random: Random): Generator<ModelItem> {
  for (const name of [`${segmentName(1, 1)}.00000028.backup`, '00000003.history', '00000004.history']) {
    if (random.chance(0.3)) yield incomingItem(name, true);
  }
  if (random.chance(0.3)) yield incomingItem(segmentName(1, 7), random.chance(0.5));
}

function streamingItem(name: string, content = walFileOf(name)): ModelItem {
  return { path: join(directories.streaming, name), name, content, fate: 'archive', isDurable: true };
}

function incomingItem(name: string, isDurable: boolean): ModelItem {
  return { path: join(directories.incoming, name), name, content: walFileOf(name), fate: 'archive', isDurable };
}

/** A segment with a record that is not right. */
function damaged(name: string): ModelItem {
  const content = Buffer.from(walFileOf(name));
  content[30_000]! ^= 1;
  return { ...streamingItem(name, content), fate: 'errors' };
}

/** What an earlier run may have left in the archive: the same, something else, something damaged. */
function archivedBefore({ name, content, fate, isDurable }: ModelItem, random: Random): ModelItem | undefined {
  if (fate !== 'archive' || !isDurable || !random.chance(0.2)) return undefined;
  const file = parseWalFileName(name);
  const path = archivePath(directories.wals, file);
  const isNoted = random.chance(0.5);
  const damage = file.kind === 'segment' && random.chance(0.5);
  const old = damage ? content.subarray(0, 500_000) : content;
  return { path, name, content: old, fate: damage ? 'errors' : 'archive', isDurable: true, isNoted };
}

const contents = new Map<string, Buffer>();

function walFileOf(name: string): Buffer {
  const content = contents.get(name) ?? walFile(name);
  contents.set(name, content);
  return content;
}

const compressed = new Map<Buffer, Buffer>();

/** What a content is compressed by lz4. */
export async function lz4Of(content: Buffer): Promise<Buffer> {
  const known = compressed.get(content) ?? (await encodeWhole({ method: 'lz4' }, content));
  compressed.set(content, known);
  return known;
}

async function write(mount: DiskMount, path: string, content: Buffer, isDurable: boolean): Promise<void> {
  await using file = await mount.open(path, 'wx');
  for (let done = 0; done < content.length; ) done += (await file.writev([content.subarray(done)], done)).bytesWritten;
  if (isDurable) await file.sync();
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
