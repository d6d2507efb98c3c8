import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from './program.ts';

const executable = fileURLToPath(new URL('../bin/walvault.js', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

function program(): ReturnType<typeof buildProgram> {
  const built = buildProgram(new AbortController().signal, () => undefined);
  for (const command of [built, ...built.commands]) {
    command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  }
  return built;
}

test('the help lists every command with what it does, and what prints the line for recovery', () => {
  const help = program().helpInformation();
  for (const command of program().createHelp().visibleCommands(program())) {
    expect(command.description().length).toBeGreaterThan(10);
    expect(help).toMatch(new RegExp(`^ {2}${command.name()} .*\\S{3}`, 'm'));
  }
  expect(program().commands.map((command) => command.name())).toEqual(
    expect.arrayContaining(['archive-wal', 'cron', 'get-wal', 'list-servers', 'receive-wal', 'restore-wal', 'status']),
  );
  const printed = execFileSync(process.execPath, [executable, '--help'], { encoding: 'utf8' });
  expect(printed).toContain('walvault restore-wal --print-command SERVER');
});

test('every option of every command is explained', () => {
  const options = [program(), ...program().commands].flatMap((command) => command.options);
  expect(options.filter((option) => option.description.length < 5)).toEqual([]);
});

test('--version prints the version of the package', () => {
  expect(execFileSync(process.execPath, [executable, '--version'], { encoding: 'utf8' })).toBe(`walvault ${version}\n`);
});

test.each([
  ['no command', []],
  ['an unknown command', ['receive']],
  ['an unknown option', ['list-servers', '--maximal']],
  ['an argument too few', ['archive-wal']],
  ['an argument too many', ['archive-wal', 'a', 'b']],
  ['an unknown format', ['-f', 'xml', 'list-servers']],
  ['two actions at once', ['receive-wal', '--create-slot', '--drop-slot', 'pg']],
  ['stop with another action', ['receive-wal', '--stop', '--create-slot', 'pg']],
])('%s is a usage error and runs nothing', async (_, args) => {
  const codes: number[] = [];
  const built = buildProgram(new AbortController().signal, (code) => codes.push(code));
  for (const command of [built, ...built.commands]) {
    command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  }
  await expect(built.parseAsync(args, { from: 'user' })).rejects.toBeInstanceOf(CommanderError);
  expect(codes).toEqual([]);
});

test('a usage error ends with 2, is said on stderr, and points to the help', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [executable, 'receive'], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain("error: unknown command 'receive'");
  expect(stderr).toContain('--help');
});
