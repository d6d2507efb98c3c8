import { expect, test } from 'vitest';
import { runRounds } from './rounds.ts';

test('the first place goes round, and every measurement stands where its contender does', async () => {
  const order: string[] = [];
  const rounds = await runRounds(['a', 'b', 'c'], 4, async (contender, round) => {
    order.push(`${contender}${round}`);
    return `${contender}${round}`;
  });
  expect(order.join(' ')).toBe('a1 b1 c1 b2 c2 a2 c3 a3 b3 a4 b4 c4');
  expect(rounds).toEqual([1, 2, 3, 4].map((round) => [`a${round}`, `b${round}`, `c${round}`]));
});
