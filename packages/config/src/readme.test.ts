/** The README's example does what the README says: each ts block is run by Node and prints the text block behind it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const packageDirectory = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(`${packageDirectory}/README.md`, 'utf8');
const examples = [...readme.matchAll(/^```ts\n(.*?)^```\n.*?^```text\n(.*?)^```$/gms)].map(([, code, output]) => ({
  code,
  output,
}));

test('has an example', () => {
  expect(examples).not.toHaveLength(0);
});

test.each(examples)('example $#', ({ code, output }) => {
  // On stdin with the package as working directory, so that its own name resolves and no file is left behind.
  const args = ['--conditions=@walvault/source', '--input-type=module-typescript', '-'];
  expect(execFileSync(process.execPath, args, { cwd: packageDirectory, input: code, encoding: 'utf8' })).toBe(output);
});
