import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ErrorManual } from './error-manual.ts';
import { parseCommandLine } from './example-line.test-support.ts';

const manual = ErrorManual.read();
const executable = fileURLToPath(new URL('../bin/walvault.js', import.meta.url));

test('every command of walvault that an entry names can be typed as it stands there', () => {
  const texts = manual.codes.map((code) => [code, manual.find(code)?.do ?? ''] as const);
  const commands = texts.flatMap(([code, text]) =>
    (text.match(/(?<=`)walvault [^`]+(?=`)/g) ?? []).map((line) => [code, line] as const),
  );
  expect(commands.length).toBeGreaterThan(40);
  for (const [code, line] of commands) expect(() => parseCommandLine(line), `${code}: ${line}`).not.toThrow();
});

test('a code is found in any case, without ERR_, and by SQLSTATE', () => {
  expect(manual.find('err_slot_missing')?.title).toBe('ERR_SLOT_MISSING');
  expect(manual.find('Slot_Missing')?.title).toBe('ERR_SLOT_MISSING');
  expect(manual.find('58p01')?.title).toBe('58P01 undefined_file');
  expect(manual.find('XX001')?.title).toBe('ERR_SERVER');
  expect(manual.find('SLOTS')).toBeUndefined();
  expect(manual.find('nonsense')).toBeUndefined();
});

test('what may have been meant is told', () => {
  expect(manual.near('slot')).toEqual(expect.arrayContaining(['ERR_SLOT_IN_USE', 'ERR_SLOT_MISSING']));
  expect(manual.near('ERR_SLOT_MISING')).toEqual(['ERR_SLOT_MISSING']);
  expect(manual.near('zzzzzzzzzzzz')).toEqual([]);
});

test('explain prints the page, the list, or what was meant', () => {
  const page = execFileSync(process.execPath, [executable, 'explain', 'slot_missing'], { encoding: 'utf8' });
  expect(page).toMatch(
    /^ERR_SLOT_MISSING\n\n {2}There is no slot .*\n\nWhy\n {2}.*\n(.*\n)*\nWhat to do\n {2}.*`walvault receive-wal --create-slot SERVER`/,
  );
  expect(page.split('\n').every((line) => line.length <= 100)).toBe(true);
  const json: unknown = JSON.parse(
    execFileSync(process.execPath, [executable, '-f', 'json', 'explain', '53400'], { encoding: 'utf8' }),
  );
  expect(json).toMatchObject({ '53400 configuration_limit_exceeded': { retry: 'fatal', why: null } });
  const { status, stderr } = spawnSync(process.execPath, [executable, 'explain', 'ERR_SLOT_MISING'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: 'ERROR: there is no error code "ERR_SLOT_MISING"\nHINT: Did you mean ERR_SLOT_MISSING?\n',
  });
});
