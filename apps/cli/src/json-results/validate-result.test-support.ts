/** Holds what a command printed with `-f json` against the schema of its result: members that the schema does not have are errors here. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { results, schemaOf } from './results.ts';
import type { Schema } from './schema.ts';

const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
const validators = new Map<string, ValidateFunction>();

/** Commands whose results were held against their schemas in this process. */
export const validated = new Set<string>();

/**
 * Checks the output of a command line.
 * @throws {Error} when it asked for JSON and got something else than the schema says
 */
export function expectValidResult(args: readonly string[], stdout: string): void {
  const asksForJson =
    args.includes('--json') || args.some((word, index) => word === 'json' && ['-f', '--format'].includes(args[index - 1] ?? ''));
  const command = commandIn(args);
  // The content of a file is no result.
  if (!asksForJson || command === undefined || stdout === '' || isContent(command)) return;
  const validate = validatorOf(command);
  if (!validate(JSON.parse(stdout)))
    throw new Error(
      `the result of "${args.join(' ')}" is not what its schema says: ${ajv.errorsText(validate.errors)}\n${stdout}`,
    );
  validated.add(command);
}

/** Whether a command prints something that is the same in any format. */
export function isContent(command: string): boolean {
  const result = results[command];
  return result !== undefined && 'messagesOnly' in result && result.content !== undefined;
}

function commandIn(args: readonly string[]): string | undefined {
  const names = args.flatMap((word, index) => [word, `${word} ${args[index + 1] ?? ''}`]).map((name) => aliases[name] ?? name);
  return names.find((name) => name in results);
}

const aliases: Readonly<Record<string, string>> = {
  'list-server': 'list-servers',
  'show-server': 'show-servers',
  'switch-xlog': 'switch-wal',
};

function validatorOf(command: string): ValidateFunction {
  const known = validators.get(command);
  if (known !== undefined) return known;
  const result = results[command];
  if (result === undefined) throw new Error(`no schema of the result of ${command} is in apps/cli/src/json-results: add one`);
  const validate = ajv.compile(closed(schemaOf(result)) as Schema);
  validators.set(command, validate);
  return validate;
}

/** The same schema without room for members that it does not name. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in copy && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy;
}
