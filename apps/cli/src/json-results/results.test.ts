import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { allCommands, fullName } from '../example-line.test-support.ts';
import { buildProgram } from '../program.ts';
import { results } from './results.ts';
import { expectValidResult } from './validate-result.test-support.ts';

interface SchemaFile {
  readonly $id: string;
  readonly $defs: Readonly<Record<string, object>>;
}

const file = JSON.parse(readFileSync(new URL('../../results.schema.json', import.meta.url), 'utf8')) as SchemaFile;

test('every command has a schema of its result', () => {
  const program = buildProgram(new AbortController().signal, () => undefined);
  const visible = allCommands(program).filter((command) => {
    const { parent } = command;
    return command.commands.length === 0 && parent !== null && parent.createHelp().visibleCommands(parent).includes(command);
  });
  expect(visible.map(fullName).toSorted()).toEqual(Object.keys(results).toSorted());
});

test('the published file is one that a validator takes, and it leaves room for members of later versions', () => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true }).addSchema(file);
  for (const command of Object.keys(results)) {
    const validate = ajv.compile({ $ref: `${file.$id}#/$defs/${encodeURIComponent(command)}` });
    expect(validate({ _INFO: ['a line'] }), command).toBe(true);
    expect(validate({ _INFO: 'no list' }), command).toBe(false);
    expect(validate([]), command).toBe(false);
  }
  const validate = ajv.compile({ $ref: `${file.$id}#/$defs/list-servers` });
  expect(validate({ pg: { description: '', active: true, passive: false, from_the_future: 1 } })).toBe(true);
  expect(validate({ pg: { description: '', active: 'True', passive: false } })).toBe(false);
});

test('the check in the tests refuses members that no schema names, and wrong types', () => {
  expect(() => expectValidResult(['-f', 'json', 'list-servers'], listed({}))).not.toThrow();
  expect(() => expectValidResult(['-f', 'json', 'list-server'], listed({ more: 1 }))).toThrow('additional properties');
  expect(() => expectValidResult(['-f', 'json', 'list-servers'], listed({ active: 1 }))).toThrow('boolean');
  expect(() => expectValidResult(['-f', 'json', 'config', 'check'], '{"pg":{}}')).toThrow('schema');
  expect(() => expectValidResult(['list-servers'], 'pg\n')).not.toThrow();
});

function listed(server: object): string {
  return JSON.stringify({ pg: { description: '', active: true, passive: false, ...server } });
}
