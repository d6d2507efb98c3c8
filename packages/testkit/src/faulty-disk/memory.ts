/** Memory for the content of files, used again and again: making a large buffer and clearing it away takes longer than a whole schedule. */

const spare = new Map<number, Uint8Array[]>();

/** Zeros. Give them back with {@link giveBack}, or forget them. */
export function takeZeros(bytes: number): Uint8Array {
  return spare.get(bytes)?.pop()?.fill(0) ?? new Uint8Array(bytes);
}

/** Takes a buffer back that nobody looks at any more. */
export function giveBack(buffer: Uint8Array): void {
  const others = spare.get(buffer.length);
  if (others === undefined) spare.set(buffer.length, [buffer]);
  else if (others.length < 64) others.push(buffer);
}
