import { expect, test } from 'vitest';
import { RepeatedWork } from './repeated-work.ts';

test('what is asked for while it is at work is done once, behind that', async () => {
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const work = new RepeatedWork(async () => {
    begun += 1;
    await gate.promise;
  });
  work.again();
  await Promise.resolve();
  for (let count = 0; count < 1000; count += 1) work.again();
  expect(begun).toBe(1);
  gate.resolve();
  await work.done();
  expect(begun).toBe(2);
  work.again();
  await work.done();
  expect(begun).toBe(3);
});
