import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestServer } from '../../testing.ts';
import { ContentFile } from './content.ts';
import { SpareMemory } from './spare-memory.ts';

test('memory is lent again when its file is disposed of, and not before', async () => {
  await using server = await TestServer.create();
  const memory = new SpareMemory();
  const path = (name: string): string => join(server.home, name);
  for (const [name, byte] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const)
    await writeFile(path(name), Buffer.alloc(100_000, byte));
  const open = async (name: string): Promise<ContentFile> => (await ContentFile.open(path(name), { memory }))!;

  const a = await open('a');
  const first = await a.whole(100_000);
  await using b = await open('b');
  const second = await b.whole(100_000);
  expect(second?.buffer).not.toBe(first?.buffer);
  expect(first?.every((byte) => byte === 1)).toBe(true);

  await a[Symbol.asyncDispose]();
  await using c = await open('c');
  const third = await c.whole(100_000);
  expect(third?.buffer).toBe(first?.buffer);
  expect(third?.every((byte) => byte === 3)).toBe(true);
  expect(second?.every((byte) => byte === 2)).toBe(true);
});

test('memory that is large enough serves smaller contents, and what is too small does not pile up', () => {
  const memory = new SpareMemory();
  const small = memory.take(10);
  memory.give(small);
  const large = memory.take(20);
  expect(large.buffer).not.toBe(small.buffer);
  memory.give(large);
  const other = memory.take(10);
  expect([other.length, other.byteOffset, other.buffer]).toEqual([10, 0, large.buffer]);
  memory.give(other);
  expect(memory.take(20).buffer).toBe(large.buffer);
});

test('of what many have borrowed at once only so much is kept', () => {
  const memory = new SpareMemory(2);
  const borrowed = [1, 2, 3, 4].map(() => memory.take(10));
  for (const buffer of borrowed) memory.give(buffer);
  const again = [1, 2, 3].map(() => memory.take(10).buffer);
  expect(again.map((buffer) => borrowed.some((before) => before.buffer === buffer))).toEqual([true, true, false]);
});
