import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findProgram } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { allCommands, fullName } from './example-line.test-support.ts';
import { buildProgram } from './program.ts';

const page = fileURLToPath(new URL('../man/walvault.1', import.meta.url));

function mandoc(...args: readonly string[]): string {
  const { argv, env } = findProgram('mandoc');
  return execFileSync(argv[0] ?? '', [...argv.slice(1), ...args, page], { env: { ...process.env, ...env }, encoding: 'utf8' });
}

test('the manual page is right for mandoc: no warning', () => {
  expect(mandoc('-T', 'lint', '-W', 'warning')).toBe('');
});

test('it has every command with all its options', () => {
  // Bold is a letter, a backspace and the letter again.
  const shown = mandoc('-T', 'ascii', '-O', 'width=300').replaceAll(/.[\b]/g, '');
  const program = buildProgram(new AbortController().signal, () => undefined);
  const help = program.createHelp();
  for (const command of allCommands(program)) {
    const { parent } = command;
    if (command.commands.length > 0 || (parent !== null && !help.visibleCommands(parent).includes(command))) continue;
    const [, own] = new RegExp(`\\n {3}${fullName(command)}(?= |\\n)(.*?)(?=\\n {3}\\S|\\n\\S)`, 's').exec(shown) ?? [];
    expect(own, fullName(command)).toBeDefined();
    for (const { flags, long } of help.visibleOptions(command)) if (long !== '--help') expect(own).toContain(` ${flags}`);
  }
});
