import { expect, test } from 'vitest';
import { buildProgram } from '../program.ts';
import { completeWords, type Lookup } from './complete-words.ts';

const program = buildProgram(new AbortController().signal, () => undefined);

/** The words only; the configuration file that the servers are asked of stands among them. */
async function complete(...words: readonly string[]): Promise<readonly string[] | Lookup> {
  const found = await completeWords(program, words, {
    servers: async (file) => [
      { word: 'main', description: 'the first' },
      { word: 'mirror', description: file ?? '' },
    ],
    errorCodes: () => ['ERR_ONE', 'ERR_TWO'],
    tasks: async () => ['receive-wal', 'cron'],
  });
  return typeof found === 'string' ? found : found.map(({ word }) => word);
}

test('commands, without the hidden ones', async () => {
  expect(await complete('rec')).toEqual(['receive-wal']);
  expect(await complete('')).toContain('status');
  expect(await complete('prefetch')).toEqual([]);
  expect(await complete('-q', 'cro')).toEqual(['cron']);
});

test('options of the command, and of the program before it', async () => {
  expect(await complete('receive-wal', '--cr')).toEqual(['--create-slot']);
  expect(await complete('receive-wal', '--log-f')).toEqual([]);
  expect(await complete('--conf')).toEqual(['--config']);
});

test('values of options: choices, files, directories, and nothing where it is free', async () => {
  expect(await complete('-f', '')).toEqual(['console', 'json']);
  expect(await complete('--format=j')).toEqual(['--format=json']);
  expect(await complete('--format', '=', 'j')).toEqual(['json']);
  expect(await complete('--format', '=')).toEqual(['console', 'json']);
  expect(await complete('--log-level', 'W')).toEqual(['WARNING']);
  expect(await complete('-c', '')).toBe('files');
  expect(await complete('get-wal', '-o', '')).toBe('directories');
  expect(await complete('find-target', '--xid', '')).toEqual([]);
});

test('servers, and `all` where several can be named', async () => {
  expect(await complete('receive-wal', '')).toEqual(['main', 'mirror']);
  expect(await complete('receive-wal', '--wait', 'ma')).toEqual(['main']);
  expect(await complete('status', '')).toEqual(['main', 'mirror', 'all']);
  expect(await complete('status', 'main', 'mi')).toEqual(['mirror']);
  expect(await complete('receive-wal', 'main', '')).toEqual([]);
  expect(await complete('list-server', '')).toEqual([]);
});

test('the configuration file on the line is the one that is asked for servers', async () => {
  for (const words of [['-c', '/x.conf'], ['--config', '/x.conf'], ['--config=/x.conf']]) {
    const found = await completeWords(program, [...words, 'status', ''], {
      servers: async (file) => [{ word: file ?? 'none', description: '' }],
      errorCodes: () => [],
      tasks: async () => [],
    });
    expect(found).toContainEqual({ word: '/x.conf', description: '' });
  }
});

test('other arguments: error codes, tasks, shells, files', async () => {
  expect(await complete('terminate-process', 'main', '')).toEqual(['receive-wal', 'cron']);
  expect(await complete('explain', 'ERR_T')).toEqual(['ERR_TWO']);
  expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  expect(await complete('restore-wal', 'main', '000000010000000000000001', '')).toBe('files');
});
