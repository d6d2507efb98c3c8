/** Very many small files: what each costs, and that a pass keeps nothing of them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Disk, type DiskFile, nodeDisk } from '@walvault/durable-fs';
import { expect, test } from 'vitest';
import { filesBelow, segmentName, TestServer } from '../../testing.ts';

const count = 64;
const names = Array.from({ length: count }, (_, index) => `${segmentName(1, index + 1)}.00000028.backup`);

test('a file of a few lines takes at most 32 calls of the system, and no memory beyond its size', async () => {
  await using server = await TestServer.create();
  for (const name of names)
    await writeFile(join(server.incoming, name), `START WAL LOCATION: 0/1000028 (file ${name.slice(0, 24)})\n`);
  const seen = { calls: 0, largestRead: 0 };
  const directories = { ...server.options.directories, streaming: undefined, incoming: server.incoming };
  const report = await server.archive({ directories, disk: countingDisk(seen), now: () => Date.now() + 3_600_000 });
  expect(report.files.map(({ kind, name }) => `${kind} ${name}`)).toEqual(names.map((name) => `archived ${name}`));
  expect(filesBelow(server.incoming)).toEqual([]);
  expect(server.notedNames()).toEqual(names);
  expect(seen.calls / count).toBeLessThan(32);
  expect(seen.largestRead).toBeLessThan(1024);
});

/** Counts calls, and the largest buffer that something is read into. */
function countingDisk(seen: { calls: number; largestRead: number }): Disk {
  const open: Disk['open'] = async (path, flags, mode) => counting(await nodeDisk.open(path, flags, mode), seen);
  return counting({ ...nodeDisk, open }, seen);
}

function counting<Counted extends Disk | DiskFile>(target: Counted, seen: { calls: number; largestRead: number }): Counted {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key, object);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        seen.calls += 1;
        if (key === 'read') seen.largestRead = Math.max(seen.largestRead, (args[0] as Uint8Array).length);
        return Reflect.apply(value, object, args) as unknown;
      };
    },
  });
}
