import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { processesBelow } from './processes.ts';

const program = `
  import { runAsServerUser, startCluster } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))};
  const pg = await startCluster({ major: 15 });
  const { stdout } = await runAsServerUser(['sh', '-c', 'cd /; setsid sleep 1000 >/dev/null 2>&1 & echo $!']);
  console.log(JSON.stringify({ dataDirectory: pg.dataDirectory, daemon: Number(stdout) }));
  if (process.argv.includes('wait')) setInterval(() => {}, 1000);
`;

test.each([
  { how: 'is killed', args: ['wait'], signal: 'SIGKILL' as const },
  { how: 'forgets them and ends', args: [], signal: undefined },
])('servers, daemons and folders of a test process go when it $how', async ({ args, signal }) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const { dataDirectory, daemon } = JSON.parse(line) as { dataDirectory: string; daemon: number };
  expect(processesBelow(dataDirectory).length).toBeGreaterThan(3);
  expect(existsSync(`/proc/${daemon}/cwd`)).toBe(true);
  if (signal !== undefined) child.kill(signal);
  await ended;
  const all = dirname(dirname(dataDirectory));
  const isLeft = () => existsSync(all) || processesBelow(all).length > 0 || existsSync(`/proc/${daemon}/cwd`);
  await expect.poll(isLeft).toBe(false);
});

test('what a process left that was killed together with its guardian is swept by the next one, and nothing else is', async () => {
  const dead = spawn('true');
  await once(dead, 'exit');
  const [stale, alive, foreign] = [`${dead.pid}-stale`, `${process.pid}-alive`, `${dead.pid}-other`].map((name) =>
    join(tmpdir(), `walvault-test-${name}`),
  ) as [string, string, string];
  for (const path of [stale, alive, foreign]) await mkdir(path);
  onTestFinished(async () => {
    for (const path of [stale, alive, foreign]) await rm(path, { recursive: true, force: true });
  });
  for (const path of [stale, alive]) await writeFile(join(path, 'pid-namespace'), await readlink('/proc/self/ns/pid'));
  await writeFile(join(foreign, 'pid-namespace'), 'pid:[1]');
  const index = JSON.stringify(join(import.meta.dirname, 'index.ts'));
  const next = spawn(process.execPath, ['--input-type=module', '-e', `(await import(${index})).temporaryDirectory()`], {
    stdio: 'ignore',
  });
  await once(next, 'exit');
  expect([stale, alive, foreign].map((path) => existsSync(path))).toEqual([false, true, true]);
});
