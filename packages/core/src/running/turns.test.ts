import { expect, test, vi } from 'vitest';
import { type Turn, Turns } from './turns.ts';

const { signal } = new AbortController();
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Asks for a turn and notes when it comes. */
function ask(turns: Turns, name: string, came: string[]): Promise<Turn> {
  return turns.take(signal).then((turn) => {
    came.push(name);
    return turn;
  });
}

test('so many at a time, the others in the order in which they came', async () => {
  const turns = new Turns(2, 60_000);
  const came: string[] = [];
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => ask(turns, name, came));
  await settle();
  expect(came).toEqual(['a', 'b']);
  (await b!)[Symbol.dispose]();
  (await b!)[Symbol.dispose](); // again does nothing
  await settle();
  expect(came).toEqual(['a', 'b', 'c']);
  for (const turn of [a!, c!]) (await turn)[Symbol.dispose]();
  await d!;
  expect(came).toEqual(['a', 'b', 'c', 'd']);
});

test('who gives up waiting is not waited for', async () => {
  const turns = new Turns(1, 60_000);
  const came: string[] = [];
  const first = await ask(turns, 'first', came);
  const impatient = new AbortController();
  const given = turns.take(impatient.signal);
  const last = ask(turns, 'last', came);
  impatient.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  await expect(turns.take(impatient.signal)).rejects.toThrow('enough');
  first[Symbol.dispose]();
  await last;
  expect(came).toEqual(['first', 'last']);
});

test('a turn in which nothing gets on keeps nobody waiting, and is given back once', async () => {
  const turns = new Turns(1, 1000);
  const came: string[] = [];
  const slow = await ask(turns, 'slow', came);
  const second = await ask(turns, 'second', came);
  slow[Symbol.dispose]();
  const third = ask(turns, 'third', came);
  await settle();
  expect(came).toEqual(['slow', 'second']);
  second[Symbol.dispose]();
  await third;
});

test('a turn in which something gets on lasts as long as the work', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const turns = new Turns(1, 1000);
  const came: string[] = [];
  using slow = await ask(turns, 'slow', came);
  const second = ask(turns, 'second', came);
  for (let step = 0; step < 5; step += 1) {
    vi.advanceTimersByTime(900);
    slow.gotOn();
  }
  await settle();
  expect(came).toEqual(['slow']);
  vi.advanceTimersByTime(1000);
  using _ = await second;
  // Behind its end it is nobody's turn any more.
  slow.gotOn();
  expect(vi.getTimerCount()).toBe(1);
  vi.useRealTimers();
});
