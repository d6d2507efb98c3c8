import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { segmentName, TestServer } from '../../testing.ts';
import { Catalog } from '../index.ts';
import { entryFor } from './catalog.test-support.ts';

/** Runs a piece of program that has the catalogue of a server open, in a process of its own. */
function startWriter(path: string, body: string) {
  const program = `
    import { Catalog } from ${JSON.stringify(join(import.meta.dirname, '../index.ts'))};
    import { entryFor } from ${JSON.stringify(join(import.meta.dirname, 'catalog.test-support.ts'))};
    const catalog = Catalog.open(${JSON.stringify(path)});
    ${body}`;
  const args = ['--conditions=@walvault/source', '--input-type=module', '--eval', program];
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

test('two processes note at the same time, and a third one reads meanwhile', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  using reader = Catalog.open(path);
  const writers = [1, 2].map((timeline) =>
    startWriter(path, `for (let number = 1; number <= 30; number += 1) catalog.note([entryFor(${timeline}, number)]);`),
  );
  const ended = Promise.all(writers.map((writer) => once(writer, 'close') as Promise<[number | null]>));
  let seen = 0;
  while (writers.some((writer) => writer.exitCode === null && writer.signalCode === null)) {
    const names = reader.names();
    expect(names.length).toBeGreaterThanOrEqual(seen);
    seen = names.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await ended).map(([code]) => code)).toEqual([0, 0]);
  expect(reader.names()).toHaveLength(60);
});

test('what a writer that was killed left half written is undone by the next one who looks', async () => {
  await using server = await TestServer.create();
  const path = join(server.home, 'walvault.sqlite');
  const writer = startWriter(
    path,
    `catalog.note([entryFor(1, 1)]);
    // With next to no memory SQLite writes to the file long before the commit.
    catalog.database.rows('PRAGMA cache_size = 1');
    catalog.database.transaction(() => {
      for (let number = 2; number <= 400; number += 1) catalog.note([entryFor(1, number)]);
      process.stdout.write('half way');
      for (;;) catalog.names();
    });`,
  );
  await once(writer.stdout, 'data');
  writer.kill('SIGKILL');
  await once(writer, 'close');
  expect(statSync(`${path}-journal`).size).toBeGreaterThan(0);
  {
    using catalog = Catalog.open(path, { readOnly: true });
    expect(catalog.names()).toEqual([segmentName(1, 1)]);
  }
  using catalog = Catalog.open(path);
  catalog.note([entryFor(1, 2)]);
  expect(catalog.names()).toHaveLength(2);
});
