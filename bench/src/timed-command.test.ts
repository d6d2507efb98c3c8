import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { cpuSecondsOf, timedCommand } from './timed-command.ts';

const env = {};

test('counts the processor time of what a command starts, and keeps its output', async () => {
  await using directory = await temporaryDirectory();
  const output = join(directory.path, 'said');
  const busy = 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done';
  const { wallSeconds, cpuSeconds } = await timedCommand({
    name: 'busy',
    argv: ['sh', '-c', `sh -c '${busy}'; echo done`],
    env,
    output,
  });
  expect(cpuSeconds).toBeGreaterThan(0);
  expect(wallSeconds).toBeGreaterThan(0);
  expect(await readFile(output, 'utf8')).toBe('done\n');
});

test('fails with what the command said', async () => {
  const failing = timedCommand({ name: 'failing', argv: ['sh', '-c', 'echo oops >&2; exit 3'], env });
  await expect(failing).rejects.toThrow('failing ended with 3\noops');
});

test('reads minutes and seconds of descendants', () => {
  expect(cpuSecondsOf('0m9.000000s 0m9.000000s\n1m2.250000s 0m0.500000s\n')).toBe(62.75);
  expect(() => cpuSecondsOf('nonsense')).toThrow('the shell says');
});
