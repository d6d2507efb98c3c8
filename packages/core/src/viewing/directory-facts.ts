/** How the directories of a server are: whether they are there, whose they are, what is free, and how many files lie in them. */
import { readdir, stat, statfs } from 'node:fs/promises';
import { errnoOf } from '@walvault/durable-fs';

/** A directory. Sizes are bytes. */
export interface DirectoryFacts {
  readonly path: string;
  /** As octal digits, `700`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly entries: number;
  readonly free_bytes: number;
  readonly total_bytes: number;
  /** Type of the file system, as statfs(2) gives it. */
  readonly file_system: string;
}

/** Looks at directories by their purpose. One that cannot be looked at has the name of the error (`ENOENT`). */
export async function directoryFacts<Purpose extends string>(
  paths: Readonly<Record<Purpose, string>>,
): Promise<Readonly<Record<string, DirectoryFacts | { readonly path: string; readonly error: string }>>> {
  const entries = Object.entries<string>(paths).map(
    async ([purpose, path]) =>
      [purpose, await factsOf(path).catch((error: unknown) => ({ path, error: errnoOf(error) ?? String(error) }))] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function factsOf(path: string): Promise<DirectoryFacts> {
  const [{ mode, uid, gid }, space, names] = await Promise.all([stat(path), statfs(path), readdir(path)]);
  return {
    path,
    mode: (mode & 0o7777).toString(8),
    uid,
    gid,
    entries: names.length,
    free_bytes: space.bavail * space.bsize,
    total_bytes: space.blocks * space.bsize,
    file_system: `0x${space.type.toString(16)}`,
  };
}
