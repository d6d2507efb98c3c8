/**
 * The demo as its users run it: a process that is started, read and perhaps interrupted. What it leaves behind is found by its
 * folder for temporary files, which all that it starts inherits by name.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

/** A demo takes some ten seconds; on a machine that is busy with other things, much longer. */
const timeout = 180_000;

interface Demo {
  readonly child: ChildProcess;
  /** Where it puts its temporary files. */
  readonly folder: string;
  readonly output: () => string;
  /** Waits for some output. */
  readonly says: (pattern: RegExp) => Promise<void>;
  /** Waits for its end; the exit code. */
  readonly ended: Promise<number | null>;
}

function startDemo(...args: string[]): Demo {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'wvdemo-'));
  // The server's user must get in.
  chmodSync(folder, 0o755);
  const child = spawn(process.execPath, ['--conditions=@walvault/source', join(import.meta.dirname, 'main.ts'), ...args], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  onTestFinished(() => {
    for (const pid of [child.pid ?? 0, ...processesOf(folder)]) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const says = async (pattern: RegExp) => expect.poll(() => said, { timeout: 120_000 }).toMatch(pattern);
  return { child, folder, output: () => said, says, ended };
}

/** Processes that were started with this folder for temporary files, or that have it among their arguments. */
function processesOf(folder: string): number[] {
  const mentions = (pid: string) =>
    ['environ', 'cmdline'].some((file) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(folder);
      } catch {
        return false;
      }
    });
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && mentions(name))
    .map(Number);
}

async function expectNothingLeft({ folder, output }: Demo): Promise<void> {
  // That it used the folder at all is what makes its emptiness mean something.
  expect(output()).toContain(folder);
  await expect.poll(() => [...processesOf(folder), ...readdirSync(folder)]).toEqual([]);
}

test('every acknowledged commit survives, and nothing is left behind', { timeout }, async () => {
  const demo = startDemo('--seconds', '2');
  expect(await demo.ended, demo.output()).toBe(0);
  const lastLine = demo.output().trimEnd().split('\n').at(-1);
  const [, acknowledged, restored] = /^(\d+) commits acknowledged, (\d+) restored, 0 lost$/.exec(lastLine!) ?? [];
  expect(Number(acknowledged), lastLine).toBeGreaterThan(0);
  expect(restored).toBe(acknowledged);
  expect(demo.output()).toContain(
    `Creating physical replication slot 'barman' on server 'pg'\n    Replication slot 'barman' created\n`,
  );
  expect(demo.output()).toMatch(/\d+ commits? acknowledged \(\d+\/s\) {2}received 0\/\w+/);
  expect(demo.output(), 'off a terminal there is nothing but text').not.toContain('\x1b');
  await expectNothingLeft(demo);
});

test('a loss is told, with some of what was lost, and makes it fail', { timeout }, async () => {
  const demo = startDemo('--seconds', '2', '--sabotage');
  expect(await demo.ended, demo.output()).toBe(1);
  const lastLine = demo.output().trimEnd().split('\n').at(-1);
  const [, acknowledged, restored, lost] = /^(\d+) commits acknowledged, (\d+) restored, (\d+) lost$/.exec(lastLine!) ?? [];
  expect(Number(lost), demo.output()).toBeGreaterThan(0);
  expect(Number(restored) + Number(lost)).toBe(Number(acknowledged));
  expect(demo.output()).toMatch(/lost: commit \d+ of client \d/);
  await expectNothingLeft(demo);
});

test.each([
  { signal: 'SIGINT', code: 130, when: 'work', seconds: '60', sign: /[1-9]\d* commits acknowledged/ },
  { signal: 'SIGTERM', code: 143, when: 'restore', seconds: '2', sign: /^ 8 {2}Restore/m },
] as const)('$signal in the middle of the $when ends it, and nothing is left behind', { timeout }, async (interruption) => {
  const demo = startDemo('--seconds', interruption.seconds);
  await demo.says(interruption.sign);
  demo.child.kill(interruption.signal);
  expect(await demo.ended, demo.output()).toBe(interruption.code);
  expect(demo.output()).toContain(`${interruption.signal}: stopping and cleaning up`);
  expect(demo.output()).not.toContain('FAILED');
  await expectNothingLeft(demo);
});

test('--keep leaves the restored server running, with commands to try and one that removes all of it', { timeout }, async () => {
  const demo = startDemo('--seconds', '2', '--keep');
  expect(await demo.ended, demo.output()).toBe(0);
  const program = /^ {4}(\S+\/walvault) status pg$/m.exec(demo.output())![1]!;
  expect(await run(program, 'status', 'pg')).toMatch(/written up to: \S+ \(timeline 2\)/);
  expect(await run(program, 'receive-wal', '--create-slot', 'pg')).toContain("Replication slot 'barman' created");
  expect(await run(program, 'receive-wal', 'pg')).toContain('pg: streaming');
  const remove = /Stop and remove all of it:\n {4}(\S+)/.exec(demo.output())![1]!;
  await run(remove);
  await expectNothingLeft(demo);
});

/** Runs a program; what it prints. */
async function run(program: string, ...args: string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  expect(await once(child, 'close')).toEqual([0, null]);
  return said;
}
