/** No Docker runs here: a parser reads the Dockerfile, and what matters for a process 1 that is nobody is looked at. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerfileParser } from 'dockerfile-ast';
import { validate } from 'dockerfile-utils';
import { expect, test } from 'vitest';
import { checkout, packagingFile } from './packaging-files.test-support.ts';

const text = packagingFile('docker/Dockerfile');
const instructions = DockerfileParser.parse(text).getInstructions();

/** Arguments of the last instruction of a kind, as they are written. */
function last(keyword: string): string | undefined {
  return instructions.findLast((instruction) => instruction.getKeyword() === keyword)?.getArgumentsContent() ?? undefined;
}

test('the Dockerfile has no mistakes', () => {
  expect(validate(text)).toEqual([]);
  expect(validate(text.replace('USER 10001:10001', 'USSER 10001')).map(({ message }) => message)).toEqual([
    'Unknown instruction: USSER',
  ]);
});

test('the process is nobody in particular, behind an init that passes signals on', () => {
  expect(last('USER')).toBe('10001:10001');
  expect(JSON.parse(last('ENTRYPOINT')!)).toEqual(['tini', '--', 'walvault']);
  expect(JSON.parse(last('CMD')!)).toEqual(['run']);
  expect(last('STOPSIGNAL')).toBe('SIGTERM');
});

test('it is built by the pnpm of the workspace', () => {
  const { packageManager } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { packageManager: string };
  expect(text).toContain(`npm install --global ${packageManager} `);
});
