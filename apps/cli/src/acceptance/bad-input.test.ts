/**
 * Bad input to every command: each ends with the right exit code and words that help, and none with a stack. The commands are run in this
 * process, from the definition of the program, so that a new one is in the sweep by itself.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CommanderError } from 'commander';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { allCommands, fullName } from '../example-line.test-support.ts';
import { buildProgram } from '../program.ts';
import { plant, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let vault: Vault;

beforeAll(async () => {
  // What a command leaves behind at its end, such as a look at a dead server, must not end the tests with it.
  vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  vi.spyOn(process as Required<typeof process>, 'execve').mockImplementation(() => undefined as never);
  const section = { conninfo: 'host=127.0.0.1 port=1 user=x connect_timeout=2', streaming_archiver: 'on', slot_name: 'barman' };
  vault = stack.use(await Vault.create({ pg: section, st: section }));
});

afterAll(() => stack[Symbol.asyncDispose]());

interface Answer {
  /** 2 for what the command line itself does not take, as the executable has it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process. */
async function run(words: readonly string[]): Promise<Answer> {
  let [stdout, stderr] = ['', ''];
  let code: number | undefined;
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((stdout += String(text)))),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((stderr += String(text)))),
  ];
  try {
    await buildProgram(new AbortController().signal, (given) => {
      code = given;
    }).parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    code = 2;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { code, stdout, stderr };
}

/** What no answer may have, whatever the question. */
function expectWords(answer: Answer, words: RegExp | string): void {
  expect(answer.stderr).toMatch(words);
  expect(answer.stdout + answer.stderr).not.toMatch(/\n {4}at |unexpected|undefined|\[object/);
}

const program = buildProgram(new AbortController().signal, () => undefined);
const commands = allCommands(program).filter((command) => command.commands.length === 0 && command.name() !== 'complete-words');
const named = commands.map((command) => [fullName(command), command] as const);
/** Trouble of these must not look like the end of the archive. */
const failure = (name: string): number =>
  ['get-wal', 'restore-wal', 'prefetch-wal'].includes(name) ? (name === 'prefetch-wal' ? 1 : 255) : 1;
/** They need no configuration. */
const withoutConfiguration = new Set(['explain', 'completion']);

/** Arguments of a command that are right as such. `server` stands for the names of servers. */
function argumentsOf(command: Command, server: string): readonly string[] {
  // restore-wal can do without a file only when it prints the command
  const needed = command.registeredArguments.filter(({ required }) => required || command.name() === 'restore-wal');
  return needed.map((argument) => {
    if (argument.argChoices !== undefined) return argument.argChoices[0] ?? '';
    const name = argument.name();
    if (name === 'server' || name === 'servers') return server;
    return name.includes('file') ? '000000010000000000000001' : name === 'bytes' ? '1' : join(vault.home, 'nothing');
  });
}

const needsServer = named.filter(([, command]) =>
  command.registeredArguments.some((argument) => argument.required && argument.name().startsWith('server')),
);
const isSingle = (command: Command): boolean => command.registeredArguments.some((argument) => argument.name() === 'server');

test.for(named)('%s: an option that there is not', async ([name]) => {
  const answer = await run([...name.split(' '), '--no-such-option']);
  expect(answer.code).toBe(2);
  expectWords(answer, /^error: unknown option '--no-such-option'\n(?:.*\n)*\(run with --help for the usage\)\n$/);
});

test.for(named)('%s: an option that there is not, where JSON was asked for', async ([name]) => {
  for (const words of [
    ['-f', 'json', ...name.split(' '), '--no-such-option'],
    [...name.split(' '), '--no-such-option', '-f', 'json'],
  ]) {
    const { code, stdout, stderr } = await run(words);
    expect({ code, stderr, said: JSON.parse(stdout) as unknown }).toEqual({
      code: 2,
      stderr: '',
      said: {
        _ERROR: [`unknown option '--no-such-option'`],
        _ERROR_CODE: [null],
        _HINT: expect.arrayContaining(['run with --help for the usage']) as unknown,
      },
    });
  }
});

test('a command that there is not, and a value that may not be, where JSON was asked for', async () => {
  expect(JSON.parse((await run(['-f', 'json', 'lst-servers'])).stdout)).toEqual({
    _ERROR: [`unknown command 'lst-servers'`],
    _ERROR_CODE: [null],
    _HINT: ['Did you mean list-servers?', 'run with --help for the usage'],
  });
  expect(JSON.parse((await run(['doctor', '--json'])).stdout)).toMatchObject({ _ERROR: [`missing required argument 'servers'`] });
});

test.for(named)('%s: an argument too few, and one too many', async ([name, command]) => {
  if (command.registeredArguments.some((argument) => argument.required)) {
    const few = await run(name.split(' '));
    expect(few.code).toBe(2);
    expectWords(few, /^error: missing required argument '[\w-]+'\n/);
  }
  if (command.registeredArguments.some((argument) => argument.variadic || argument.argChoices !== undefined)) return;
  const tooMany = command.registeredArguments.map(() => '1');
  const many = await run([...name.split(' '), ...tooMany, 'too-many']);
  expect(many.code).toBe(2);
  expectWords(many, /^error: too many arguments/);
});

test.for(named)('%s: a configuration file that is not there, is no text, or says what cannot be', async ([name, command]) => {
  if (withoutConfiguration.has(name)) return;
  const words = [...name.split(' '), ...argumentsOf(command, 'pg')];
  const missing = join(vault.home, 'no.conf');
  const answer = await run(['-c', missing, ...words]);
  expect(answer.code).toBe(failure(name));
  expectWords(answer, new RegExp(`^ERROR: .*${missing}`));
  const binary = join(vault.home, 'binary.conf');
  writeFileSync(binary, Buffer.of(0xff, 0xfe, 0x00));
  const noText = await run(['-c', binary, ...words]);
  expect(noText.code).toBe(failure(name));
  expectWords(noText, new RegExp(`^ERROR: cannot read configuration file "${binary}": it is not UTF-8 text\nHINT: `));
  const bad = join(vault.home, 'bad.conf');
  writeFileSync(
    bad,
    `[barman]\nbarman_home = ${vault.home}\n[pg]\nconninfo = host=x\nstreaming_archiver = maybe\nslot_name = Not-A-Slot\n`,
  );
  const problems = await run(['-c', bad, ...words]);
  expect(problems.code).toBe(failure(name));
  // doctor has them among its findings
  const said = { ...problems, stderr: problems.stdout + problems.stderr };
  expectWords(said, new RegExp(`${bad}:5: \\[pg\\] streaming_archiver: .* is not allowed`));
  expectWords(said, new RegExp(`${bad}:6: \\[pg\\] slot_name: `));
});

test.for(needsServer)('%s: a server that is not configured, and `all` where one is meant', async ([name, command]) => {
  const unknown = await run(['-c', vault.configFile, ...name.split(' '), ...argumentsOf(command, 'nosuch')]);
  expect(unknown.code).toBe(failure(name));
  expectWords(unknown, `ERROR: Unknown server 'nosuch'\nHINT: Configured in ${vault.configFile}: pg, st.\n`);
  const more = isSingle(command) ? [] : ['pg'];
  const all = await run(['-c', vault.configFile, ...name.split(' '), ...argumentsOf(command, 'all'), ...more]);
  expect(all.code).toBe(failure(name));
  expectWords(
    all,
    isSingle(command)
      ? /^ERROR: You cannot use 'all' in a single server context\n/
      : /^ERROR: You cannot use 'all' with other server names\n/,
  );
});

const segment = '000000010000000000000001';
const values: readonly (readonly [code: number, words: string, told: RegExp])[] = [
  [2, '--log-level loud list-servers', /argument 'loud' is invalid\. Give one of NOTSET, DEBUG/],
  [2, '--color blue list-servers', /argument 'blue' is invalid\. Allowed choices are never, always, auto/],
  [2, '-f xml list-servers', /argument 'xml' is invalid\. Allowed choices are console, json/],
  [2, 'receive-wal --create-slot --drop-slot pg', /'--create-slot' cannot be used with option '--drop-slot'/],
  [1, 'receive-wal --stop --reset pg', /^ERROR: --stop and --reset options are not compatible/],
  [1, 'receive-wal --stop pg', /^ERROR: Termination of receive-wal failed: no such process for server pg/],
  [2, 'find-target --lsn 1-2 pg', /^ERROR: .*1-2.*\nHINT: .*16\/B374D848/],
  [2, 'find-target --time yesterday pg', /^ERROR: .*yesterday.*\nHINT: /],
  [2, 'find-target --xid x pg', /^ERROR: .*x/],
  [2, 'find-target --timeline 0 --xid 7 pg', /Give the ID of a timeline/],
  [2, 'find-target pg', /^ERROR: /],
  [2, 'find-target --xid 7 --name a pg', /^ERROR: /],
  [1, 'verify-wal --from xyz pg', /^ERROR: .*xyz.*\nHINT: /],
  [1, 'verify-wal --to 1/G pg', /^ERROR: .*1\/G.*\nHINT: /],
  [2, 'verify-wal --timeline minus pg', /Give the ID of a timeline/],
  [1, 'show-wal --segment xyz pg', /^ERROR: .*xyz/],
  [2, 'show-wal --days 0 pg', /Give a whole number of at least 1/],
  [2, 'show-wal --stats bytes pg', /Allowed choices are record/],
  [3, 'get-wal pg nosuch', /^ERROR: 'nosuch' is not a valid wal file name/],
  [2, `get-wal -p -1 pg ${segment}`, /Give a whole number of at least 1/],
  [2, `get-wal -z -j pg ${segment}`, /cannot be used with option/],
  [255, 'restore-wal pg nosuch /tmp/x', /^ERROR: .*nosuch/],
  [2, `restore-wal --prefetch much pg ${segment} /tmp/x`, /Give a number of bytes/],
  [2, `restore-wal --retry-for -1 pg ${segment} /tmp/x`, /Give whole seconds/],
  [2, `restore-wal pg ${segment}`, /missing required argument 'destination'/],
  [2, 'check-wal-archive --timeline x pg', /Give a whole number of at least 1/],
  [2, 'switch-wal --archive --archive-timeout soon pg', /Give whole seconds/],
  [1, 'heal-wal pg nosuch', /^ERROR: .*nosuch/],
  [2, 'terminate-process pg nosuch', /^ERROR: .*nosuch/],
  [1, 'explain ERR_NOSUCH_THING_AT_ALL', /^ERROR: there is no error code "ERR_NOSUCH_THING_AT_ALL"\nHINT: /],
  [2, 'completion tcsh', /Allowed choices are bash, zsh, fish/],
];

test.for(values)('exit code %i from: %s', async ([code, words, told]) => {
  const answer = await run(['-c', vault.configFile, ...words.split(' ')]);
  expect(answer.stderr).toMatch(told);
  expectWords(answer, told);
  expect(answer.code).toBe(code);
});

test('nothing of all that has made a file', () => {
  const made = existsSync(vault.path()) ? readdirSync(vault.path(), { recursive: true }) : [];
  expect(made).toEqual([]);
});

/** put-wal waits for its input, and receive-wal starts a process; both have tests of their own for this. */
const beyond = new Set(['put-wal', 'receive-wal', 'completion', 'explain']);
const withServer = needsServer.filter(([name]) => !beyond.has(name));
const stateFiles = ['receive-wal.json', 'holes.json', 'verify-wal.json', 'deleted-wal.json', 'known-backups.json'];

test.for(withServer)('%s: a server that is down, and state files of which half is there', async ([name, command]) => {
  await using broken = await Vault.create({
    pg: { conninfo: 'host=127.0.0.1 port=1 user=x', streaming_archiver: 'on', slot_name: 'barman' },
  });
  for (const directory of ['streaming', 'wals', 'errors']) await plant(broken.path(directory), '.keep', '');
  for (const file of stateFiles) await plant(broken.path(), file, '{"version": 1, "pha');
  const words = [
    '-c',
    broken.configFile,
    ...name.split(' '),
    ...(name === 'restore-wal' ? ['--retry-for', '0'] : []),
    ...argumentsOf(command, 'pg'),
  ];
  const answer = await run(words);
  expect(answer.code).toBeTypeOf('number');
  expect(answer.stdout + answer.stderr).not.toMatch(/\n {4}at |unexpected|\[object/);
  if (answer.code !== 0) expect(answer.stdout + answer.stderr).toMatch(/\S/);
  for (const file of ['holes.json', 'deleted-wal.json'])
    expect(readFileSync(broken.path(file), 'utf8')).toBe('{"version": 1, "pha');
});
