/**
 * Listens to what is asked of the operating system: the sync, write, rename and unlink calls of node:fs/promises, in order.
 * The calls are made as usual, except those that a test lets fail.
 */
import fs, { type FileHandle } from 'node:fs/promises';
import syncFs, { readlinkSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';

const listened = ['writev', 'sync', 'datasync'] as const;
type Call = (typeof listened)[number] | 'rename' | 'unlink';

/** A running record; disposing it ends it. */
export interface SystemCalls extends Disposable {
  /** `datasync NAME`, `rename OLD NEW`, ... with the last part of each path. */
  readonly calls: readonly string[];
  /** Lets every later call of this kind fail with an errno. */
  fail(call: Call, errno: string): void;
}

/** Starts listening. One at a time. */
export async function listenToSystemCalls(): Promise<SystemCalls> {
  const calls: string[] = [];
  const failing = new Map<string, string>();
  const note = (call: Call, ...paths: string[]): void => {
    calls.push([call, ...paths.map((path) => basename(path))].join(' '));
    const errno = failing.get(call);
    if (errno !== undefined) throw Object.assign(new Error(`${errno}: made up`), { code: errno });
  };
  const restore = [...(await listenToHandles(note)), listenToSmallWrites(note), ...listenToPaths(note)];
  return {
    calls,
    fail: (call, errno) => failing.set(call, errno),
    [Symbol.dispose]: () => {
      for (const undo of restore) undo();
      syncBuiltinESMExports();
    },
  };
}

type Note = (call: Call, ...paths: string[]) => void;
type AnyFunction = (...args: unknown[]) => Promise<unknown>;

async function listenToHandles(note: Note): Promise<(() => void)[]> {
  const handle = await fs.open('/dev/null');
  const prototype = Object.getPrototypeOf(handle) as Record<string, AnyFunction>;
  await handle.close();
  return listened.map((call) => {
    const original = prototype[call] as AnyFunction;
    prototype[call] = async function heard(this: FileHandle, ...args: unknown[]) {
      note(call, readlinkSync(`/proc/self/fd/${this.fd}`));
      return original.apply(this, args);
    };
    return () => void (prototype[call] = original);
  });
}

/** Small writes take no detour over a thread. */
function listenToSmallWrites(note: Note): () => void {
  const original = syncFs.writevSync;
  syncFs.writevSync = (fd, ...args) => {
    note('writev', readlinkSync(`/proc/self/fd/${fd}`));
    return original(fd, ...args);
  };
  return () => void (syncFs.writevSync = original);
}

function listenToPaths(note: Note): (() => void)[] {
  const module = fs as unknown as Record<string, AnyFunction>;
  const restore = (['rename', 'unlink'] as const).map((call) => {
    const original = module[call] as AnyFunction;
    module[call] = async (...paths: unknown[]) => {
      note(call, ...(paths as string[]));
      return original(...paths);
    };
    return () => void (module[call] = original);
  });
  syncBuiltinESMExports();
  return restore;
}
