/** A WAL file that has come in whole gets its place in the incoming directory, unless that is taken. */
import { basename, join } from 'node:path';
import { durableRename, syncDirectory, syncFile } from '@walvault/durable-fs';
import { moveAside } from '../archiving/errors-directory.ts';
import { ContentFile, sameBytes } from '../content/content.ts';
import { tryLink } from '../wal-files/try-link.ts';

/** Where a file ended up. */
export type Placement =
  | { readonly kind: 'placed'; readonly name: string; readonly path: string }
  /** A file with the same bytes waits there already. */
  | { readonly kind: 'duplicate'; readonly name: string; readonly path: string }
  /** A file with other bytes waits there; this one is in the errors directory. */
  | { readonly kind: 'conflict'; readonly name: string; readonly movedTo: string };

/** The directories that a file may get to. */
export interface IncomingDirectories {
  readonly incomingDirectory: string;
  readonly errorsDirectory: string;
}

/**
 * Places a file under its own name; durable when this returns.
 * @throws {FileSystemError}
 */
export async function placeIncoming(from: string, directories: IncomingDirectories): Promise<Placement> {
  const name = basename(from);
  const path = join(directories.incomingDirectory, name);
  await syncFile(from);
  for (;;) {
    const found = await compare(from, path);
    if (found === 'different') {
      const reason = `put-wal received it while another file of that name waited in "${directories.incomingDirectory}"`;
      const movedTo = await moveAside({ path: from, errorsDirectory: directories.errorsDirectory, kind: 'duplicate', reason });
      return { kind: 'conflict', name, movedTo };
    }
    if (found === 'same') {
      await syncFile(path);
      await syncDirectory(directories.incomingDirectory);
      return { kind: 'duplicate', name, path };
    }
    // A link never replaces what somebody else put there a moment ago.
    const linked = await tryLink(from, path);
    if (linked === 'exists') continue;
    if (linked === 'impossible') await durableRename(from, path, { contentIsDurable: true });
    else await syncDirectory(directories.incomingDirectory);
    return { kind: 'placed', name, path };
  }
}

async function compare(one: string, other: string): Promise<'none' | 'same' | 'different'> {
  await using existing = await ContentFile.open(other);
  if (existing === undefined) return 'none';
  await using content = await ContentFile.open(one);
  return content !== undefined && (await sameBytes(content.from(0), existing.from(0))) ? 'same' : 'different';
}
