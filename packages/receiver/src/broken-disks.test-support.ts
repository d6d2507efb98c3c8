/**
 * Disks that lie, as a receiver would that leaves out or turns round a step: whoever looks at what is left after a crash must
 * find each of them out.
 */
import type { DiskHandle, DiskMount } from '@walvault/testkit/faulty-disk';

/** What is put between a receiver and its disk. */
type Tamper = (mount: DiskMount) => DiskMount;
type HandleChanges = (file: DiskHandle, path: string) => Partial<DiskHandle>;

/** By what would be wrong with the receiver. */
export const brokenDisks = {
  'content is acknowledged before it is synced': withHandles(() => ({ datasync: async () => undefined })),
  'content is synced after the file has its final name': withHandles((file) => {
    let isDue = false;
    return {
      datasync: async () => void (isDue = true),
      close: async () => {
        if (isDue) setImmediate(() => void later(file));
        else await file.close();
      },
    };
  }),
  'a directory is not synced': withHandles((_, path) => (path === '/streaming' ? { sync: async () => undefined } : {})),
  'a sync that failed is tried again, and then believed': withHandles((file) => ({
    datasync: () => file.datasync().catch(() => file.datasync()),
  })),
  'a short write is taken for a whole one': withHandles((file) => ({
    writev: async (buffers, position) => {
      await file.writev(buffers, position);
      return { bytesWritten: sizeOf(buffers) };
    },
  })),
  'a write is believed done when it has begun': withHandles((file) => ({
    writev: async (buffers, position) => {
      void writeAll(file, Buffer.concat(buffers), position ?? 0);
      return { bytesWritten: sizeOf(buffers) };
    },
  })),
  'bytes are looked at after they were given back': withHandles((file) => ({
    writev: async (buffers, position) => {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      setImmediate(() => void writeAll(file, Buffer.concat(buffers), position ?? 0));
      return { bytesWritten: sizeOf(buffers) };
    },
  })),
  'an error of a write is ignored': withHandles((file) => ({
    writev: (buffers, position) => file.writev(buffers, position).catch(() => ({ bytesWritten: sizeOf(buffers) })),
  })),
} satisfies Record<string, Tamper>;

/** The name of a defect. */
export type BrokenDisk = keyof typeof brokenDisks;

function withHandles(changes: HandleChanges): Tamper {
  return (mount) => ({
    open: async (path, flags, mode) => changed(await mount.open(path, flags, mode), path, changes),
    rename: (from, to) => mount.rename(from, to),
    unlink: (path) => mount.unlink(path),
    link: (from, to) => mount.link(from, to),
    stat: (path) => mount.stat(path),
    lstat: (path, options) => mount.lstat(path, options),
    utimes: (path, accessed, modified) => mount.utimes(path, accessed, modified),
    mkdir: (path, options) => mount.mkdir(path, options),
    readdir: (path, options) => mount.readdir(path, options),
  });
}

function changed(file: DiskHandle, path: string, changes: HandleChanges): DiskHandle {
  return {
    writev: (buffers, position) => file.writev(buffers, position),
    read: (buffer, offset, length, position) => file.read(buffer, offset, length, position),
    stat: file.stat.bind(file),
    truncate: (size) => file.truncate(size),
    datasync: () => file.datasync(),
    sync: () => file.sync(),
    close: () => file.close(),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    ...changes(file, path),
  };
}

async function later(file: DiskHandle): Promise<void> {
  await file.datasync().catch(() => undefined);
  await file.close().catch(() => undefined);
}

async function writeAll(file: DiskHandle, bytes: Buffer, position: number): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) done += (await file.writev([bytes.subarray(done)], position + done)).bytesWritten;
  } catch {
    // nobody is told
  }
}

function sizeOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0);
}
