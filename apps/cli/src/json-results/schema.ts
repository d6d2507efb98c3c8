/**
 * Words to describe JSON with: each gives a JSON Schema (draft 2020-12) with a sentence for people. The schemas of the results are
 * published, and the reference page is made from them; a program that prints results does not need them.
 */

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** Members of an object, by name; one that ends in `?` may be missing. */
export type Members = Readonly<Record<string, Schema>>;

/** Any text. */
export function text(description: string): Schema {
  return { type: 'string', description };
}

/** One of some words. */
export function oneOf(words: readonly string[], description: string): Schema {
  return { enum: [...words], description };
}

/** A position in the WAL, as PostgreSQL writes it: `16/B374D848`. */
export function lsn(description: string): Schema {
  return { type: 'string', pattern: '^[0-9A-F]{1,8}/[0-9A-F]{1,8}$', description };
}

/** A time in ISO 8601, in UTC. */
export function time(description: string): Schema {
  return { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT[0-9:.]+Z$`, description };
}

/** A time as PostgreSQL writes it: `2026-07-01 10:00:00.5+00`. */
export function timestamp(description: string): Schema {
  return { type: 'string', pattern: String.raw`^\d{4,6}-\d\d-\d\d [0-9:.]+[+-][0-9:]+$`, description };
}

/** A whole number. */
export function whole(description: string): Schema {
  return { type: 'integer', description };
}

/** A number, with fractions. */
export function number(description: string): Schema {
  return { type: 'number', description };
}

/** Yes or no. */
export function flag(description: string): Schema {
  return { type: 'boolean', description };
}

/** Whatever it is. */
export function anything(description: string): Schema {
  return { description };
}

/** Null where there is nothing to say. */
export function orNull(schema: Schema): Schema {
  const { type, enum: words, description, ...rest } = schema;
  if (Array.isArray(words)) return { enum: [...(words as unknown[]), null], description };
  if (typeof type === 'string') return { type: [type, 'null'], description, ...rest };
  return { description, anyOf: [{ type: 'null' }, { ...rest, ...(type === undefined ? {} : { type }) }] };
}

/** A list. */
export function list(items: Schema, description: string): Schema {
  return { type: 'array', items, description };
}

/** An object with members that are known; later versions may add some. */
export function object(members: Members, description = ''): Schema {
  const entries = Object.entries(members);
  const required = entries.filter(([name]) => !name.endsWith('?')).map(([name]) => name);
  const properties = Object.fromEntries(entries.map(([name, schema]) => [name.replace(/\?$/, ''), schema]));
  return { type: 'object', properties, required, ...(description === '' ? {} : { description }) };
}

/** An object whose members have names of their own, such as those of servers. */
export function map(values: Schema, description: string): Schema {
  return { type: 'object', additionalProperties: values, description };
}

/** One of several shapes. */
export function either(schemas: readonly Schema[], description: string): Schema {
  return { anyOf: [...schemas], description };
}
