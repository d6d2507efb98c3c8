/** The completions, in real shells: bash and zsh at a pseudo terminal with a real Tab, fish by its own `complete -C`. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let vault: Vault;
let bin: string;

beforeAll(async () => {
  const section = { conninfo: 'host=127.0.0.1 port=1 user=x', streaming_archiver: 'on', slot_name: 'barman' };
  vault = stack.use(await Vault.create({ main: { ...section, description: "it's: the $first" }, mirror: section }));
  bin = join(vault.home, 'bin');
  await vault.installAs('walvault', bin);
});

afterAll(() => stack[Symbol.asyncDispose]());

function scriptFor(shell: string): string {
  return execFileSync(join(bin, 'walvault'), ['completion', shell], { encoding: 'utf8' });
}

/** Ctrl-A and `#` make a comment of a completed line, so that it is not run. */
const asComment = '\u0001#\n';
const typed = ['receive-w\t--create-s\tmai\t', '-f js\tlist-serv\t--min\t', '--format=js\tstatus mi\t'];
const completed = ['receive-wal --create-slot main', '-f json list-servers --minimal', '--format=json status mirror'];

/** Types into a shell at a pseudo terminal; gives all that was on the screen when the shell has come to the end of it. */
async function typeInto(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const command = argv.map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-q', '-e', '-c', `stty cols 200; exec ${command}`, '/dev/null'], {
    env: { PATH: `${bin}:${process.env['PATH']}`, HOME: vault.home, TERM: 'dumb', ...env },
    cwd: vault.home,
  });
  let screen = '';
  child.stdout.on('data', (data: Buffer) => {
    screen += data.toString();
  });
  child.stdin.end(`${typed.map((line) => `walvault ${line}${asComment}`).join('')}exit\n`);
  await once(child, 'close');
  return screen;
}

test('bash completes commands, options and servers at Tab', async () => {
  const rc = join(vault.home, 'bashrc');
  writeFileSync(rc, scriptFor('bash'));
  const screen = await typeInto(['bash', '--noprofile', '--rcfile', rc, '-i'], {});
  for (const line of completed) expect(screen).toContain(`walvault ${line}`);
});

test('zsh completes commands, options and servers at Tab', async () => {
  const { path, argv } = findProgram('zsh-static');
  const directory = join(vault.home, 'zsh');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, '_walvault'), scriptFor('zsh'));
  const lines = [
    `fpath=('${directory}' '${join(path, '../../usr/share/zsh/functions')}'/**/*(/) $fpath)`,
    `autoload -Uz compinit && compinit -u -d '${directory}/dump'`,
    'setopt interactivecomments; bindkey -e',
  ];
  writeFileSync(join(directory, '.zshrc'), lines.join('\n'));
  const screen = await typeInto([...argv, '-d', '-i'], { ZDOTDIR: directory });
  for (const line of completed) expect(screen).toContain(`walvault ${line}`);
});

test('fish completes commands, options and servers, with descriptions', () => {
  const { argv, env } = findProgram('fish');
  const script = join(vault.home, 'walvault.fish');
  writeFileSync(script, scriptFor('fish'));
  const lines = ['receive-w', 'receive-wal --create-s', 'receive-wal ', '-f js'];
  const asked = lines.map((line) => `complete -C 'walvault ${line}'; echo`).join('; ');
  const [program, ...words] = [...argv, '--no-config', '-c', `source ${script}; ${asked}`];
  const environment = { ...env, PATH: `${bin}:${process.env['PATH']}`, HOME: vault.home };
  const answers = execFileSync(program, words, { env: environment, encoding: 'utf8' }).trim().split('\n\n');
  expect(answers).toEqual([
    expect.stringMatching(/^receive-wal\treceive the WAL of a server.*$/),
    expect.stringMatching(/^--create-slot\t.*$/),
    "main\tit's: the $first\nmirror",
    expect.stringMatching(/^json\t.*$/),
  ]);
});
