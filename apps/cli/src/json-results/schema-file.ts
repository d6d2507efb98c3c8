/** The schemas of all results as one file, and the reference page of them. */
import { messages, type Result, results, schemaOf } from './results.ts';
import type { Schema } from './schema.ts';

/** The file: a JSON Schema for each command, under `$defs` by the words that call it, in a line of its own. */
export function formatSchemaFile(): string {
  const defs = Object.entries(results).map(
    ([command, result]) => `    ${JSON.stringify(command)}: ${JSON.stringify(schemaOf(result))}`,
  );
  return [
    '{',
    '  "$schema": "https://json-schema.org/draft/2020-12/schema",',
    '  "$id": "urn:walvault:json-results",',
    '  "title": "What walvault prints with -f json",',
    '  "$defs": {',
    defs.join(',\n'),
    '  }',
    '}',
    '',
  ].join('\n');
}

/** The page, in Markdown. */
export function formatResultsPage(): string {
  return [...introduction, ...Object.entries(results).flatMap(([command, result]) => section(command, result))].join('\n');
}

const introduction = [
  '# What the commands print with `-f json`',
  '',
  '<!-- Written by scripts/docs.mjs from apps/cli/src/json-results. Do not edit. -->',
  '',
  'With `-f json` every command prints one JSON object. The JSON Schema (draft 2020-12) of each is in `results.schema.json` of the package',
  '`walvault`, under `$defs` by the words that call the command; the tests hold every object that they meet against it. Where Barman has the',
  'command its members are there under its names and with its values; numbers that Barman gives as words have a member of their own. Later',
  'versions may add members. LSNs are texts as PostgreSQL writes them (`16/B374D848`), sizes are bytes, times are ISO 8601 in UTC or, where',
  'they come out of the WAL, as PostgreSQL writes them.',
  '',
  '## What each may have',
  '',
  ...table(rowsOf({ type: 'object', properties: withoutMarks(messages), required: [] }, '')),
  '',
  'The exit code says whether it went well, not these. A command that fails before it has a result, or whose command line makes no sense, prints these alone.',
  '',
];

function section(command: string, result: Result): readonly string[] {
  const head = [`## ${command}`, ''];
  if ('messagesOnly' in result) {
    const only = 'Nothing but the messages above.';
    const { content } = result;
    return [
      ...head,
      content === undefined ? only : `${content} goes to stdout as it is in either format, and messages to stderr then. ${only}`,
      '',
    ];
  }
  if ('members' in result) {
    return [...head, ...table(rowsOf({ type: 'object', properties: withoutMarks(result.members), required: [] }, '')), ''];
  }
  const name = command === 'explain' ? 'TITLE' : command === 'config show' ? 'SECTION' : 'SERVER';
  return [...head, ...table(rowsOf(result.each, name)), ''];
}

interface Row {
  readonly member: string;
  readonly type: string;
  readonly meaning: string;
}

function table(rows: readonly Row[]): readonly string[] {
  const lines = rows.map(({ member, type, meaning }) => `| \`${member}\` | ${type} | ${meaning} |`);
  return ['| member | type | meaning |', '|---|---|---|', ...lines];
}

/** A schema as rows: itself, unless it has no name, and all below it. */
function rowsOf(schema: Schema, member: string): readonly Row[] {
  const own = member === '' ? [] : [{ member, type: typeOf(schema), meaning: descriptionOf(schema) }];
  return [...own, ...below(schema, member)];
}

function below(schema: Schema, member: string): readonly Row[] {
  const { properties, additionalProperties, items, anyOf } = schema as Readonly<
    Record<string, Schema | readonly Schema[] | undefined>
  >;
  if (properties !== undefined) {
    const prefix = member === '' ? '' : `${member}.`;
    return Object.entries(properties as Readonly<Record<string, Schema>>).flatMap(([name, each]) =>
      rowsOf(each, `${prefix}${name}`),
    );
  }
  if (additionalProperties !== undefined) return rowsOf(additionalProperties as Schema, `${member}.NAME`);
  if (items !== undefined) return isPlain(items as Schema) ? [] : below(items as Schema, `${member}[]`);
  return ((anyOf ?? []) as readonly Schema[]).flatMap((each) => below(each, member));
}

function isPlain({ properties, additionalProperties, anyOf }: Schema): boolean {
  return properties === undefined && additionalProperties === undefined && anyOf === undefined;
}

function typeOf(schema: Schema): string {
  const {
    type,
    enum: words,
    anyOf,
  } = schema as { type?: string | readonly string[]; enum?: readonly (string | null)[]; anyOf?: readonly Schema[] };
  if (words !== undefined) return words.map((word) => (word === null ? 'null' : `\`${word}\``)).join(', ');
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOf))].join(' or ');
  const names: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'whole number',
    array: 'list',
    boolean: 'true, false',
  };
  const types = type === undefined ? ['any'] : [type].flat();
  return types.map((each) => names[each] ?? each).join(' or ');
}

function descriptionOf({ description }: Schema): string {
  return typeof description === 'string' ? description.replaceAll('|', '\\|') : '';
}

function withoutMarks(members: Readonly<Record<string, Schema>>): Readonly<Record<string, Schema>> {
  return Object.fromEntries(Object.entries(members).map(([name, schema]) => [name.replace(/\?$/, ''), schema]));
}
