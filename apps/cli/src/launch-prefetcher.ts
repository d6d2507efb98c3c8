/** Starting the process that makes ready what a recovering server will ask for. Apart from background.ts, which has more to load. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The executable of walvault, by its absolute path. */
export const executable = fileURLToPath(new URL('../bin/walvault.js', import.meta.url));

/** What is to be provided. */
export interface PrefetcherCommand {
  readonly configFile: string;
  readonly serverName: string;
  /** The spool itself. */
  readonly spool: string;
  /** Room for ready segments in bytes. */
  readonly bytes: number;
}

/**
 * Starts it, detached, and does not wait for what becomes of it. It must not hold on to anything of the server's, whose log a
 * restore_command writes to: its own log is in the spool, and begins anew each time.
 */
export async function launchPrefetcher({ configFile, serverName, spool, bytes }: PrefetcherCommand): Promise<void> {
  await using log = await open(join(spool, 'log'), 'w', 0o600);
  const args = [executable, '-c', configFile, 'prefetch-wal', serverName, spool, String(bytes)];
  const child = spawn(process.execPath, args, { detached: true, cwd: '/', stdio: ['ignore', log.fd, log.fd] });
  await once(child, 'spawn');
  child.unref();
}
