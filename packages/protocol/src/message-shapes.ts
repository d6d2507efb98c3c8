/**
 * The inner shape of the messages that pg-protocol reads by itself. Its reader takes a text to the next zero byte and a list
 * to the count that it was told, also where that is in the next message; so each body is measured before the reader sees it.
 *
 * Shapes are those of "Message Formats" in the PostgreSQL manual.
 */

/** A number of bytes, or a text with a zero byte behind it. */
type Part = number | 'text';

interface Shape {
  readonly head: readonly Part[];
  /** What follows the head: a 16-bit count, and so many times this. */
  readonly each?: readonly Part[] | undefined;
}

const copyResponse: Shape = { head: [1], each: [2] };
const shapes: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['S', { head: ['text', 'text'] }],
  ['C', { head: ['text'] }],
  ['A', { head: [4, 'text', 'text'] }],
  ['T', { head: [], each: ['text', 4, 2, 4, 2, 4, 2] }],
  ['t', { head: [], each: [4] }],
  ['G', copyResponse],
  ['H', copyResponse],
  ['W', copyResponse],
]);

/** Whether a message of this type has a shape that a body can miss. */
export function hasShape(type: string): boolean {
  return shapes.has(type);
}

/** Whether the body of a message is used up exactly by what its type says; true for types without a shape. */
export function isWellShaped(type: string, body: Buffer): boolean {
  const shape = shapes.get(type);
  if (shape === undefined) return true;
  let at = skip(body, 0, shape.head);
  if (shape.each !== undefined && at + 2 <= body.length) {
    const count = body.readUInt16BE(at);
    at += 2;
    for (let done = 0; done < count && at <= body.length; done += 1) at = skip(body, at, shape.each);
  } else if (shape.each !== undefined) return false;
  return at === body.length;
}

/** Where the parts end that begin at `at`; beyond the body when it is too short for them. */
function skip(body: Buffer, at: number, parts: readonly Part[]): number {
  let end = at;
  for (const part of parts) {
    const zero = part === 'text' ? body.indexOf(0, end) : end + part - 1;
    // indexOf looks from the last byte on when the offset is beyond it, so a text must not begin there.
    if (zero < 0 || end >= body.length) return body.length + 1;
    end = zero + 1;
  }
  return end;
}
