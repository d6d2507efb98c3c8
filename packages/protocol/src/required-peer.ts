/**
 * Who is behind a Unix socket (`requirepeer`). libpq asks the kernel (SO_PEERCRED), which Node cannot. The owner of the socket
 * file tells the same where nobody else can have put it there: the directory and all above it belong to that user or to root, and
 * others may not write to them, or may not touch what is not theirs (sticky). So that is checked too, before and after connecting.
 */
import { execFile } from 'node:child_process';
import type { BigIntStats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { describeCause } from './describe-cause.ts';
import { AuthenticationError, ConnectError } from './errors.ts';

const othersWrite = 0o002n;
const sticky = 0o1000n;
const root = 0n;

/** A socket file that surely belongs to the required user. */
export interface OwnedSocket {
  /** The file without symbolic links on the way, which is to be dialled. */
  readonly path: string;
  /** To be called when connected. @throws {ConnectError} when another file has come in its place meanwhile. */
  readonly confirm: () => Promise<void>;
}

/**
 * Looks at a socket file before it is dialled.
 * @param user name of the operating system's user that must have made it.
 * @throws {AuthenticationError} when it is another one, or that cannot be known. @throws {ConnectError} when there is none.
 */
export async function requireOwner(path: string, user: string): Promise<OwnedSocket> {
  const resolved = await realpath(path).catch((cause: unknown) => {
    throw new ConnectError(`connection to server on socket "${path}" failed: ${describeCause(cause)}`, {
      where: `server on socket "${path}"`,
      hint: 'Is the server running on this machine, and is that the directory of its socket (unix_socket_directories)?',
      cause,
    });
  });
  const before = await stat(resolved, { bigint: true });
  const owner = await userName(before.uid);
  if (owner !== user) {
    throw new AuthenticationError(`requirepeer specifies "${user}", but socket "${resolved}" belongs to "${owner}"`, {
      hint: 'Check that the socket is that of the server you mean, and the user that the server runs as.',
    });
  }
  await requireSafeDirectories(resolved, before.uid);
  return {
    path: resolved,
    confirm: async () => {
      const after = await stat(resolved, { bigint: true }).catch(() => undefined);
      if (after !== undefined && isSameFile(before, after)) return;
      throw new ConnectError(`requirepeer specifies "${user}", but socket "${resolved}" was replaced meanwhile`, {
        where: `server on socket "${path}"`,
        hint: 'The server was restarted at this moment, or somebody else has taken its place; try again.',
      });
    },
  };
}

async function requireSafeDirectories(path: string, owner: bigint): Promise<void> {
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const { uid, mode } = await stat(directory, { bigint: true });
    const isOpen = (mode & othersWrite) !== 0n && (mode & sticky) === 0n;
    if (isOpen || (uid !== owner && uid !== root)) {
      throw new AuthenticationError(
        `requirepeer cannot be checked: others may have put socket "${path}" into directory "${directory}"`,
        {
          hint: 'The directory and all above it must belong to that user or to root, and others must not write to it.',
        },
      );
    }
    if (directory === dirname(directory)) return;
  }
}

function isSameFile(before: BigIntStats, after: BigIntStats): boolean {
  return before.ino === after.ino && before.dev === after.dev && before.ctimeNs === after.ctimeNs && before.uid === after.uid;
}

/** The name of a user by the name service of the system; the number where it has none. */
async function userName(uid: bigint): Promise<string> {
  const number = String(uid);
  const answer = await promisify(execFile)('id', ['-un', number]).catch(() => undefined);
  return answer?.stdout.trim() || number;
}
