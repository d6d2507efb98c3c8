/** Holds answers against the OpenAPI document: what is in one and not in the other. */
import { openApiDocument } from './openapi.ts';

/** A part of JSON Schema, as the document has it. */
interface Schema {
  readonly $ref?: string;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
}

const document = openApiDocument() as {
  readonly paths: Readonly<
    Record<
      string,
      { readonly get: { readonly responses: { readonly 200: { readonly content: Record<string, { schema: Schema }> } } } }
    >
  >;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

/** Places in an answer that the document does not have, and members that it promises and are missing. @param path as in the document */
export function undocumented(path: string, answer: unknown): readonly string[] {
  const content = document.paths[path]?.get.responses[200].content['application/json'];
  return content === undefined ? [`${path} is not described`] : [...differences(content.schema, answer, '')];
}

function* differences(schema: Schema, value: unknown, at: string): Generator<string> {
  if (value === null || typeof value !== 'object') return;
  const shapes = shapesOf(schema);
  if (Array.isArray(value)) {
    const items = shapes.find((shape) => shape.items !== undefined)?.items;
    if (items !== undefined) for (const [index, item] of value.entries()) yield* differences(items, item, `${at}[${index}]`);
    return;
  }
  const shape = shapes.find(
    ({ properties, additionalProperties }) => properties !== undefined || additionalProperties !== undefined,
  );
  for (const [name, member] of Object.entries(value)) {
    const known = shape?.properties?.[name] ?? shape?.additionalProperties;
    if (known === undefined) yield `${at}.${name}`;
    else yield* differences(known, member, `${at}.${name}`);
  }
  for (const name of shape?.required ?? []) if (!(name in value)) yield `${at}.${name} is missing`;
}

/** What may stand there, without the references. */
function shapesOf(schema: Schema): readonly Schema[] {
  if (schema.$ref !== undefined) return shapesOf(document.components.schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  return schema.anyOf === undefined ? [schema] : schema.anyOf.flatMap(shapesOf);
}
