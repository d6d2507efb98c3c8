/** The examples of a README do what it says: each ts block is run by Node and prints the text block behind it. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/**
 * Makes a test of each example in the README of a package; one that has none fails. Call it in a test file.
 * @param packageDirectory where the README.md is
 */
export function testReadmeExamples(packageDirectory: string): void {
  const readme = readFileSync(`${packageDirectory}/README.md`, 'utf8');
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```\n.*?^```text\n(.*?)^```$/gms)];
  const examples = blocks.map(([, code, output]) => ({ code, output }));

  test('has an example', () => {
    expect(examples).not.toHaveLength(0);
  });

  test.each(examples)('example $#', ({ code, output }) => {
    // On stdin with the package as working directory, so that its own name resolves and no file is left behind.
    const args = ['--conditions=@walvault/source', '--input-type=module-typescript', '-'];
    expect(execFileSync(process.execPath, args, { cwd: packageDirectory, input: code, encoding: 'utf8' })).toBe(output);
  });
}
