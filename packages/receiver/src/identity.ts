/**
 * The cluster that a server's directory belongs to: `identity.json`, pinned at first contact.
 *
 * Barman keeps the same file (`{"systemid": "...", "version": "15"}`), though it writes it only with a base backup.
 */
import { readFile } from 'node:fs/promises';
import { errnoOf, fileSystemError, writeFileAtomic } from '@walvault/durable-fs';
import { ReceiverError } from './errors.ts';

/** Which cluster it is. */
export interface ClusterIdentity {
  /** System identifier that initdb gave the cluster; 1 to 2^64-1. */
  readonly systemIdentifier: bigint;
  /** Major version at first contact, as text (`18`, `9.6`). */
  readonly version: string;
}

/**
 * Reads an identity file; undefined when there is none.
 * @throws {ReceiverError} `ERR_IDENTITY_FILE` when it does not hold an identity
 * @throws {FileSystemError} when it cannot be read
 */
export async function readIdentity(path: string): Promise<ClusterIdentity | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw fileSystemError('read', path, error);
  }
  const identity = parseIdentity(text);
  if (identity !== undefined) return identity;
  throw new ReceiverError('ERR_IDENTITY_FILE', `"${path}" does not hold the identity of a cluster`, {
    path,
    hint: 'It should read {"systemid": "<system identifier>", "version": "<major version>"}. If it is damaged, remove it; it is written again at the next contact.',
  });
}

/**
 * Makes sure that the cluster at hand is the one that the directory belongs to, and notes it when this is the first contact.
 * @throws {ReceiverError} `ERR_OTHER_CLUSTER` when another cluster was here first
 */
export async function pinIdentity(path: string, identity: ClusterIdentity): Promise<void> {
  const known = await readIdentity(path);
  if (known === undefined) {
    const content = { systemid: identity.systemIdentifier.toString(), version: identity.version };
    await writeFileAtomic(path, `${JSON.stringify(content)}\n`, { mode: 0o640 });
    return;
  }
  if (known.systemIdentifier !== identity.systemIdentifier)
    throw otherCluster(known.systemIdentifier, identity.systemIdentifier, path);
}

/** The error for WAL, a directory or a server of another cluster. `where` names the file that gives the first one away. */
export function otherCluster(expected: bigint, found: bigint, where: string): ReceiverError {
  return new ReceiverError(
    'ERR_OTHER_CLUSTER',
    `the server has system identifier ${found}, but "${where}" belongs to cluster ${expected}`,
    {
      path: where,
      hint: 'Check that the connection leads to the right server. A new cluster needs a server section, and so directories, of its own.',
    },
  );
}

function parseIdentity(text: string): ClusterIdentity | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('systemid' in value)) return undefined;
    const version = 'version' in value ? String(value.version) : '';
    // as a JSON number it would have lost its last digits
    if (typeof value.systemid !== 'string' || !/^\d{1,20}$/.test(value.systemid)) return undefined;
    return { systemIdentifier: BigInt(value.systemid), version };
  } catch {
    return undefined;
  }
}
