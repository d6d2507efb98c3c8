import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { killQuietly } from './processes.ts';

const program = `
  import { keepTemporaryDirectories, runAsServerUser, temporaryDirectory } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
  const { path } = await temporaryDirectory();
  const { stdout } = await runAsServerUser(['sh', '-c', 'setsid sleep 1000 >/dev/null 2>&1 & echo $!'], { cwd: path });
  if (process.argv.includes('keep')) await keepTemporaryDirectories();
  console.log(JSON.stringify({ path, daemon: Number(stdout) }));
`;

function run(...args: string[]): { path: string; daemon: number } {
  const argv = ['--input-type=module', '-e', program, ...args];
  return JSON.parse(execFileSync(process.execPath, argv, { encoding: 'utf8' })) as { path: string; daemon: number };
}

function guardiansOf(directory: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid).includes(`guardian.sh\0${directory}`));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has gone since we read the list.
    return '';
  }
}

test('what is kept outlives the process and the sweep of the next one', async () => {
  const kept = run('keep');
  onTestFinished(() => {
    killQuietly(kept.daemon, 'SIGKILL');
    rmSync(dirname(kept.path), { recursive: true, force: true });
  });
  expect(guardiansOf(dirname(kept.path))).toEqual([]);
  const next = run();
  // When what the next process left is gone, its guardian is done, and so is the sweep at its start.
  await expect.poll(() => existsSync(dirname(next.path))).toBe(false);
  expect(existsSync(kept.path)).toBe(true);
  expect(existsSync(`/proc/${kept.daemon}/cwd`)).toBe(true);
});
