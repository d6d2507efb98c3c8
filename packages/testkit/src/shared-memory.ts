/**
 * The System V shared memory segment that every server keeps as an interlock (sysv_shmem.c). It outlives a server that was
 * killed, and the system has room for a few thousand of them only.
 */
import { spawnSync } from 'node:child_process';

/** Removes the segment that a postmaster.pid names: line 7 holds key and ID (miscadmin.h, LOCK_FILE_LINE_SHMEM_KEY). */
export function releaseSharedMemory(postmasterPid: string): void {
  const id = postmasterPid.split('\n')[6]?.trim().split(/\s+/)[1];
  // Gone already, or no ipcrm on this machine: a few bytes that stay until the next boot.
  if (id !== undefined) spawnSync('ipcrm', ['-m', id], { stdio: 'ignore' });
}
