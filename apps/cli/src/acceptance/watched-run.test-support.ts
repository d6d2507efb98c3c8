/** A run of walvault whose memory is watched. */
import { readFileSync } from 'node:fs';
import { type ProgramResult, startAsServerUser } from '@walvault/testkit';
import type { Vault } from './vault.test-support.ts';

const pollMs = 20;

/** Runs walvault to its end; `peakBytes` is the most memory that it had resident, as far as looks every 20 ms can tell. */
export async function watchedRun(
  vault: Vault,
  ...args: readonly string[]
): Promise<ProgramResult & { readonly peakBytes: number }> {
  await using program = await startAsServerUser(vault.argv(...args));
  let peakBytes = 0;
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakOf(program.pid));
  }, pollMs);
  try {
    return { ...(await program.exited), peakBytes };
  } finally {
    clearInterval(timer);
  }
}

/** VmHWM of proc(5); 0 for a process that is gone. */
function peakOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}
