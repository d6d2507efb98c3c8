/**
 * Where a receiver writes to: a temporary directory of the testkit, or one in a place that the caller of the bench named. That
 * one goes too when the bench goes, however it dies: a shell of its own waits for the end of our pipe to it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { serverUser, type TemporaryDirectory, temporaryDirectory } from '@walvault/testkit';
import { BenchFailure } from './failure.ts';

/**
 * Makes an empty directory that the receivers' user may write to.
 * @param place an existing directory to make it in; the one for temporary files when this is empty
 * @throws {BenchFailure} when it cannot be made there
 */
export async function receivingDirectory(place: string): Promise<TemporaryDirectory> {
  return place === '' ? temporaryDirectory('received') : makeIn(place);
}

function makeIn(place: string): TemporaryDirectory {
  const path = make(place);
  const remover = spawnRemover(path);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 5 });
      remover.kill('SIGKILL');
    },
  };
}

function make(place: string): string {
  try {
    const path = mkdtempSync(join(place, 'walvault-bench-'));
    const owner = serverUser();
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
    chmodSync(path, 0o755);
    return path;
  } catch (error) {
    throw new BenchFailure(`nothing can be received to --directory "${place}": ${error instanceof Error ? error.message : ''}`);
  }
}

/** Again and again for a minute: the receiver, which is killed at the same time by the testkit's guardian, may still write. */
function spawnRemover(path: string): ChildProcess {
  const remove = 'for _ in $(seq 120); do [ -e "$1" ] || break; rm -rf "$1"; sleep 0.5; done';
  const script = `trap "" HUP INT TERM; while read -r _; do :; done; ${remove}`;
  const child = spawn('/bin/sh', ['-c', script, 'sh', path], { detached: true, cwd: '/', stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return child;
}
