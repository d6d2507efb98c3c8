import { expect, test } from 'vitest';
import { formatTarget } from './target.ts';

const base = { what: 'x', taken: 'median', digits: 2 };

test.each([
  [{ atMost: 0.77 }, 0.77, 'target x <= 0.77: met (median 0.77)'],
  [{ atMost: 0.77 }, 0.78, 'target x <= 0.77: MISSED (median 0.78)'],
  [{ atLeast: 1 }, 1, 'target x >= 1.00: met (median 1.00)'],
  [{ atLeast: 1 }, 0.99, 'target x >= 1.00: MISSED (median 0.99)'],
  [{ atLeast: 1 }, undefined, 'target x >= 1.00: not measured'],
])('a target of %j with %s reads as it is', (bound, value, text) => {
  expect(formatTarget({ ...base, bound, value })).toBe(text);
});
