/**
 * Disks that lie, as an archiver would that leaves out a step or turns two round: whoever looks at what is left after a crash must
 * find each of them out.
 */
import type { DiskHandle, DiskMount } from '@walvault/testkit/faulty-disk';
import { tryParseWalFileName } from '@walvault/wal';

/** What is put between an archiver and its disk. */
type Tamper = (mount: DiskMount) => DiskMount;

/** By what would be wrong with the archiver. */
export const brokenArchivers = {
  'the source goes before its copy is noted': (mount) =>
    changed(mount, {
      rename: async (from, to) => {
        await mount.rename(from, to);
        await removeSourceOf(mount, to);
      },
      link: async (from, to) => {
        await mount.link(from, to);
        await removeSourceOf(mount, to);
      },
    }),
  'a copy has its name before it is synced': unsynced((path) => path.startsWith('/wals/') && path.endsWith('.tmp')),
  'the directory of a copy is not synced': unsynced((path) => /^\/wals\/[0-9A-F]{16}$/.test(path)),
  'a directory that was made is not synced into the one above': unsynced((path) => path === '/wals'),
  'xlog.db is not synced': unsynced((path) => path === '/wals/xlog.db', ['datasync', 'sync']),
  'a line is believed because it can be read': (mount) =>
    changed(mount, {
      open: async (path, flags, mode) => {
        const file: DiskHandle = await mount.open(path, flags, mode);
        return path === '/wals/xlog.db' && flags === 'r+'
          ? changedFile(file, { writev: writeNothing, datasync: async () => undefined })
          : file;
      },
    }),
  'the catalogue is not synced': unsynced((path) => path === '/catalog/journal', ['datasync']),
  'a file that was brought is relied on as it is': unsynced((path) => path.startsWith('/incoming/')),
} satisfies Record<string, Tamper>;

/** The name of a defect. */
export type BrokenArchiver = keyof typeof brokenArchivers;

/** Says of some files that they are synced when they are not. */
function unsynced(isMeant: (path: string) => boolean, calls: readonly ('sync' | 'datasync')[] = ['sync']): Tamper {
  return (mount) =>
    changed(mount, {
      open: async (path, flags, mode) => {
        const file: DiskHandle = await mount.open(path, flags, mode);
        return isMeant(path) ? changedFile(file, Object.fromEntries(calls.map((call) => [call, async () => undefined]))) : file;
      },
    });
}

async function writeNothing(buffers: readonly Uint8Array[]): Promise<{ readonly bytesWritten: number }> {
  return { bytesWritten: buffers.reduce((sum, { length }) => sum + length, 0) };
}

async function removeSourceOf(mount: DiskMount, to: string): Promise<void> {
  const name = to.slice(to.lastIndexOf('/') + 1);
  if (!to.startsWith('/wals/') || tryParseWalFileName(name) === undefined) return;
  for (const directory of ['/streaming', '/incoming']) await mount.unlink(`${directory}/${name}`).catch(() => undefined);
}

/** A disk with other calls. */
export function changed(mount: DiskMount, changes: Partial<DiskMount>): DiskMount {
  return {
    open: mount.open.bind(mount),
    rename: mount.rename.bind(mount),
    link: mount.link.bind(mount),
    unlink: mount.unlink.bind(mount),
    stat: mount.stat.bind(mount),
    lstat: mount.lstat.bind(mount),
    utimes: mount.utimes.bind(mount),
    mkdir: mount.mkdir.bind(mount),
    readdir: mount.readdir.bind(mount),
    ...changes,
  };
}

/** An open file with other calls. */
function changedFile(file: DiskHandle, changes: Partial<DiskHandle>): DiskHandle {
  return {
    writev: file.writev.bind(file),
    read: file.read.bind(file),
    stat: file.stat.bind(file),
    truncate: file.truncate.bind(file),
    datasync: file.datasync.bind(file),
    sync: file.sync.bind(file),
    close: file.close.bind(file),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    ...changes,
  };
}
