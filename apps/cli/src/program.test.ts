import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Command, CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { allCommands, fullName, parseCommandLine } from './example-line.test-support.ts';
import { examples } from './program/examples.ts';
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

function hidden(command: Command): boolean {
  return !program()
    .createHelp()
    .visibleCommands(command.parent ?? command)
    .includes(command);
}

test('the help lists every command with what it does, and what prints the line for recovery', () => {
  const help = program().helpInformation();
  for (const command of program().createHelp().visibleCommands(program())) {
    expect(command.description().length).toBeGreaterThan(10);
    expect(help).toMatch(new RegExp(`^ {2}${command.name()}[ |].*\\S{3}`, 'm'));
  }
  expect(program().commands.map((command) => command.name())).toEqual(
    expect.arrayContaining(['archive-wal', 'cron', 'get-wal', 'list-servers', 'receive-wal', 'restore-wal', 'status']),
  );
  const printed = execFileSync(process.execPath, [executable, '--help'], { encoding: 'utf8' });
  expect(printed).toContain('walvault restore-wal --print-command pg');
});

test('every command has examples in its help, and each of them is one of that command', () => {
  const names = allCommands(program())
    .filter((command) => command.commands.length === 0 && !hidden(command))
    .map(fullName);
  for (const name of names) {
    expect(examples[name], `no example of "walvault ${name}" is in apps/cli/src/program/examples.ts: add one`).toBeDefined();
  }
  const lines = Object.entries(examples).flatMap(([name, own]) => own.map(([line, does]) => ({ name, line, does })));
  for (const { name, line, does } of lines) {
    const called = parseCommandLine(line);
    if (name !== 'walvault') expect(called, line).toBe(name);
    expect(does.length, line).toBeGreaterThan(5);
  }
  const help = execFileSync(process.execPath, [executable, 'archive-wal', '--help'], { encoding: 'utf8' });
  expect(help).toContain('\nExamples:\n  # archive what is complete now\n  walvault archive-wal pg\n');
});

test('the commands of the help stand in groups', () => {
  const groups = program()
    .helpInformation()
    .match(/^\w+:$/gm);
  expect(groups).toEqual(expect.arrayContaining(['Receiving:', 'Archiving:', 'Recovering:', 'Inspecting:', 'Explaining:']));
  expect(groups).not.toContain('Commands:');
});

test.each([
  [['recieve-wal', 'pg'], 'Did you mean receive-wal?'],
  [['receive-wal', '--forground', 'pg'], 'Did you mean --foreground?'],
  [['-f', 'jason', 'list-servers'], 'Allowed choices are console, json.'],
])('what is misspelt in %j is told', (args, told) => {
  const { status, stderr } = spawnSync(process.execPath, [executable, ...args], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(told) });
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
