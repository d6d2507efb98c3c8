import { statSync } from 'node:fs';
import * as realFileSystem from 'node:fs/promises';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type DiskCall, type DiskFault, type DiskMount, FaultyDisk, type FaultyDiskOptions, Random } from './index.ts';

const sectorBytes = 16;
const seeds = Array.from({ length: 300 }, (_, index) => index);

function diskOf(seed: number, options: Partial<FaultyDiskOptions> & { writeBackErrors?: number } = {}): FaultyDisk {
  const { writeBackErrors = 0, ...rest } = options;
  const disk = new FaultyDisk({ random: new Random(seed), directories: ['/a', '/b'], sectorBytes, ...rest });
  disk.writeBackErrors = writeBackErrors;
  return disk;
}

/** Writes all of it, whatever the disk takes at once. */
async function write(mount: DiskMount, path: string, text: string, options: { at?: number; sync?: boolean } = {}): Promise<void> {
  await using file = await mount.open(path, 0o102); // O_RDWR | O_CREAT
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; )
    done += (await file.writev([bytes.subarray(done)], (options.at ?? 0) + done)).bytesWritten;
  if (options.sync === true) await file.sync();
}

async function syncDirectory(mount: DiskMount, path: string): Promise<void> {
  await using directory = await mount.open(path, 'r');
  await directory.sync();
}

function contents(disk: FaultyDisk, directory = '/a'): Record<string, string> {
  return Object.fromEntries([...disk.files(directory)].map(([name, bytes]) => [name, bytes.toString('latin1')]));
}

/** The different outcomes that a story has over many seeds. */
async function outcomes<T>(story: (seed: number) => Promise<T>): Promise<Set<T>> {
  return new Set(await Promise.all(seeds.map(story)));
}

describe('as long as nothing fails', () => {
  test('it is like the file system of this machine', async () => {
    for (const seed of seeds.slice(0, 40)) {
      await using real = await realDirectory();
      const disk = diskOf(seed, { restlessness: 0.5 });
      const random = new Random(seed);
      const [model, system]: DiskMount[] = [disk.mount(), realFileSystem];
      for (let step = 0; step < 40; step += 1) {
        const action = randomAction(random);
        const results = [await attempt(action(model!, '/a')), await attempt(action(system!, real.path))];
        expect(results[0], `seed ${seed} step ${step}`).toEqual(results[1]);
      }
      expect(contents(disk), `seed ${seed}`).toEqual(await real.contents());
    }
  });

  test('calls that are made together end in different orders', async () => {
    const orders = await outcomes(async (seed) => {
      const mount = diskOf(seed).mount();
      const ended: string[] = [];
      await Promise.all(['x', 'y', 'z'].map(async (name) => void (await mount.open(`/a/${name}`, 'wx'), ended.push(name))));
      return ended.join('');
    });
    expect(orders.size).toBe(6);
  });

  test('a sync takes its time, and other calls pass it', async () => {
    const passed = await outcomes(async (seed) => {
      const file = await diskOf(seed, { syncTurns: 20 }).mount().open('/a/f', 'wx');
      let stats = 0;
      const synced = new AbortController();
      const syncing = file.sync().finally(() => synced.abort());
      for (; !synced.signal.aborted; stats += 1) await file.stat();
      await syncing;
      return stats;
    });
    expect(Math.max(...passed)).toBeGreaterThan(8);
    expect(Math.min(...passed)).toBeLessThan(3);
  });

  test('a write takes its bytes at its end and not before', async () => {
    const disk = diskOf(1, { restlessness: 0 });
    const file = await disk.mount().open('/a/f', 'wx');
    const bytes = Buffer.from('early');
    const writing = file.writev([bytes], 0);
    bytes.write('later');
    await writing;
    expect(contents(disk)).toEqual({ f: 'later' });
  });

  test('a closed file can be used no more', async () => {
    const file = await diskOf(1).mount().open('/a/f', 'wx');
    await file.close();
    await expect(file.sync()).rejects.toMatchObject({ code: 'EBADF' });
    await expect(file.close()).rejects.toMatchObject({ code: 'EBADF' });
    await file[Symbol.asyncDispose]();
  });
});

describe('a power cut', () => {
  test('leaves what was synced, content and name', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0.5 });
      const mount = disk.mount();
      await write(mount, '/a/f', 'what was synced, over more than a sector', { sync: true });
      await syncDirectory(mount, '/a');
      disk.powerCut();
      return contents(disk)['f'];
    });
    expect([...left]).toEqual(['what was synced, over more than a sector']);
  });

  test('leaves of what was not synced some sectors, none, all, or parts, with the old bytes between', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0 });
      const mount = disk.mount();
      await write(mount, '/a/f', 'o'.repeat(48), { sync: true });
      await syncDirectory(mount, '/a');
      await write(mount, '/a/f', 'n'.repeat(48));
      disk.powerCut();
      return contents(disk)['f'] ?? 'lost';
    });
    const [o, n] = ['o'.repeat(16), 'n'.repeat(16)];
    for (const whole of [o + o + o, n + n + n, o + n + o, n + o + n, o + o + n]) expect(left).toContain(whole);
    expect([...left].every((text) => /^[on]{48}$/.test(text))).toBe(true);
    expect([...left].some((text) => /^o+n+o+$/.test(text) && /n/.test(text.replaceAll(n, '')))).toBe(true); // torn
  });

  test('leaves of a file without its directory: nothing, no content, content', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0 });
      await write(disk.mount(), '/a/f', 'text', { sync: seed % 2 === 0 });
      disk.powerCut();
      return JSON.stringify([seed % 2 === 0, contents(disk)]);
    });
    expect(left).toContain('[true,{}]');
    expect(left).toContain('[true,{"f":"text"}]');
    expect(left).not.toContain('[true,{"f":""}]');
    for (const text of [
      '[false,{}]',
      '[false,{"f":""}]',
      '[false,{"f":"text"}]',
      String.raw`[false,{"f":"\u0000\u0000\u0000\u0000"}]`,
    ])
      expect(left).toContain(text);
  });

  test('keeps changes of one name in order and no others', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0 });
      const mount = disk.mount();
      for (const name of ['1', '2']) await write(mount, `/a/${name}`, name, { sync: true });
      await syncDirectory(mount, '/a');
      await mount.rename('/a/1', '/a/3');
      await mount.rename('/a/2', '/a/4');
      await mount.rename('/a/3', '/a/5');
      disk.powerCut();
      return Object.entries(contents(disk))
        .map((entry) => entry.join('='))
        .join(' ');
    });
    expect(left).toEqual(new Set(['1=1 2=2', '1=1 4=2', '2=2 3=1', '3=1 4=2', '2=2 5=1', '4=2 5=1']));
  });

  test('can leave a file that moves to another directory in both, but never in none', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0 });
      const mount = disk.mount();
      await write(mount, '/a/f', 'x', { sync: true });
      await syncDirectory(mount, '/a');
      await mount.rename('/a/f', '/b/f');
      if (seed % 2 === 0) await syncDirectory(mount, '/b');
      disk.powerCut();
      return `${seed % 2 === 0 ? 'synced ' : ''}${Object.keys(contents(disk)).length}${Object.keys(contents(disk, '/b')).length}`;
    });
    expect(left).toEqual(new Set(['10', '11', '01', 'synced 11', 'synced 01']));
  });

  test('takes with a directory that was not synced what is in it, synced or not', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0 });
      const mount = disk.mount();
      await mount.mkdir('/a/d', { recursive: true, mode: 0o700 });
      await write(mount, '/a/d/f', 'x', { sync: true });
      await syncDirectory(mount, '/a/d');
      if (seed % 2 === 0) await syncDirectory(mount, '/a');
      disk.powerCut();
      const isThere = await attempt(disk.mount().mkdir('/a/d', { recursive: true, mode: 0o700 }));
      return `${seed % 2 === 0 ? 'synced ' : ''}${JSON.stringify(contents(disk, '/a/d'))} ${String(isThere)}`;
    });
    expect(left).toEqual(new Set(['synced {"f":"x"} undefined', '{"f":"x"} undefined', '{} /a/d']));
  });

  test('leaves of a second name nothing, or the whole file', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0 });
      const mount = disk.mount();
      await write(mount, '/a/f', 'x', { sync: true });
      await syncDirectory(mount, '/a');
      await mount.link('/a/f', '/b/f');
      await mount.unlink('/a/f');
      disk.powerCut();
      return JSON.stringify([contents(disk), contents(disk, '/b')]);
    });
    // each directory by itself: who removes the first name before the second one is durable may lose the file
    expect(left).toEqual(new Set(['[{"f":"x"},{}]', '[{"f":"x"},{"f":"x"}]', '[{},{"f":"x"}]', '[{},{}]']));
  });

  test('a sync covers what was written before it began, not what is written while it runs', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0 });
      const mount = disk.mount();
      await write(mount, '/a/f', 'before ------', { sync: true });
      await syncDirectory(mount, '/a');
      await write(mount, '/a/f', 'covered ');
      const file = await mount.open('/a/f', 'r+');
      const syncing = file.sync();
      const writing = file.writev([Buffer.from('after')], 8);
      await syncing;
      await writing;
      disk.powerCut();
      return contents(disk)['f'];
    });
    expect(left).toContain('covered -----');
    expect(left).toContain('covered after');
    expect([...left].every((text) => text?.startsWith('covered '))).toBe(true);
  });

  test('two syncs at a time never take back what either made durable', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0.3 });
      const mount = disk.mount();
      const file = await mount.open('/a/f', 'wx');
      await syncDirectory(mount, '/a');
      await file.writev([Buffer.from('1')], 0);
      const first = file.sync();
      await file.writev([Buffer.from('2')], 0);
      await file.sync();
      await first;
      disk.powerCut();
      return contents(disk)['f'];
    });
    expect([...left]).toEqual(['2']);
  });

  test('calls that are under way have happened, in part, or not; their program learns of it only that it is dead', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed, { restlessness: 0 });
      const mount = disk.mount();
      await write(mount, '/a/f', '----------------', { sync: true });
      await syncDirectory(mount, '/a');
      const file = await mount.open('/a/f', 'r+');
      const writing = file.writev([Buffer.from('nnnnnnnnnnnnnnnn')], 0);
      disk.powerCut();
      await expect(writing).rejects.toMatchObject({ code: 'ESHUTDOWN' });
      await expect(file.sync()).rejects.toMatchObject({ code: 'ESHUTDOWN' });
      await expect(mount.stat('/a/f')).rejects.toMatchObject({ code: 'ESHUTDOWN' });
      await disk.mount().stat('/a/f');
      return contents(disk)['f'];
    });
    expect(left).toContain('----------------');
    expect(left).toContain('nnnnnnnnnnnnnnnn');
    expect([...left].some((text) => /^n+-+$/.test(text ?? ''))).toBe(true);
  });

  test('never makes up bytes: each one was there at some time, or is zero', async () => {
    for (const seed of seeds) {
      const random = new Random(seed);
      const faultAt = (): DiskFault | undefined => (random.chance(0.05) ? { errno: 'EIO' } : undefined);
      const disk = diskOf(seed, { restlessness: 0.3, writeBackErrors: 0.2, faultAt });
      const seen = Array.from({ length: 200 }, () => new Set<number>([0]));
      let mount = disk.mount();
      for (let step = 1; step < 30; step += 1) {
        const [at, length] = [random.below(100), 1 + random.below(60)];
        for (let index = at; index < at + length; index += 1) seen[index]!.add(step);
        await write(mount, '/a/f', String.fromCodePoint(step).repeat(length), { at, sync: random.chance(0.5) }).catch(
          () => undefined,
        );
        await syncDirectory(mount, '/a').catch(() => undefined);
        if (random.chance(0.2)) {
          if (random.chance(0.5)) disk.powerCut();
          else disk.kill();
          mount = disk.mount();
        }
        const bytes = disk.files('/a').get('f') ?? Buffer.alloc(0);
        expect(
          [...bytes].every((byte, index) => seen[index]!.has(byte)),
          `seed ${seed} step ${step}`,
        ).toBe(true);
      }
    }
  });
});

describe('a kill', () => {
  test('leaves all that the program had done', async () => {
    const left = await outcomes(async (seed) => {
      const disk = diskOf(seed);
      await write(disk.mount(), '/a/f', 'not synced');
      disk.kill();
      return contents(disk)['f'];
    });
    expect([...left]).toEqual(['not synced']);
  });

  test('hides that a sync failed: the bytes look good, a sync says so, and yet they can be nowhere', async () => {
    const left = await outcomes(async (seed) => {
      const rules = { isFailing: false };
      const disk = diskOf(seed, { restlessness: 0, faultAt: failing('datasync', rules) });
      const mount = disk.mount();
      await write(mount, '/a/f', '----', { sync: true });
      await syncDirectory(mount, '/a');
      const file = await mount.open('/a/f', 'r+');
      await file.writev([Buffer.from('late')], 0);
      rules.isFailing = true;
      await expect(file.datasync()).rejects.toMatchObject({ code: 'EIO' });
      rules.isFailing = false;
      disk.kill();
      const seen = contents(disk)['f'];
      await (await disk.mount().open('/a/f', 'r+')).datasync();
      disk.powerCut();
      return `${seen} ${contents(disk)['f']}`;
    });
    for (const text of ['late ----', 'late late', '---- ----']) expect(left).toContain(text);
  });
});

describe('a sync that fails', () => {
  test('is told once; writing the bytes again and syncing makes them safe', async () => {
    const left = await outcomes(async (seed) => {
      const rules = { isFailing: false };
      const disk = diskOf(seed, { faultAt: failing('sync', rules) });
      const mount = disk.mount();
      await write(mount, '/a/f', 'once');
      await syncDirectory(mount, '/a');
      rules.isFailing = true;
      await expect(write(mount, '/a/f', 'more', { sync: true })).rejects.toMatchObject({ code: 'EIO' });
      rules.isFailing = false;
      await write(mount, '/a/f', 'more', { sync: true });
      disk.powerCut();
      return contents(disk)['f'];
    });
    expect([...left]).toEqual(['more']);
  });

  test('tells of a writing back that failed before, to each that had the file open', async () => {
    let told = 0;
    for (const seed of seeds) {
      const disk = diskOf(seed, { restlessness: 1, writeBackErrors: 0.3 });
      const mount = disk.mount();
      const files = [await mount.open('/a/f', 'wx'), await mount.open('/a/f', 'r')];
      await files[0]!.writev([Buffer.from('x')], 0);
      const outcomes = await Promise.all(files.map((file) => attempt(file.sync())));
      if (outcomes.some((outcome) => outcome === 'EIO')) told += 1;
      const again = await Promise.all(files.map((file) => attempt(file.sync())));
      expect([...outcomes, ...again].filter((outcome) => outcome === 'EIO').length % 2).toBe(0);
    }
    expect(told).toBeGreaterThan(10);
    expect(told).toBeLessThan(290);
  });

  test('of a directory leaves its changes to the next one', async () => {
    const left = await outcomes(async (seed) => {
      const rules = { isFailing: true };
      const disk = diskOf(seed, { restlessness: 0, faultAt: failing('sync', rules) });
      const mount = disk.mount();
      await write(mount, '/a/f', '');
      await expect(syncDirectory(mount, '/a')).rejects.toMatchObject({ code: 'EIO' });
      rules.isFailing = false;
      if (seed % 2 === 0) await syncDirectory(mount, '/a');
      disk.powerCut();
      return `${seed % 2} ${Object.keys(contents(disk)).length}`;
    });
    expect(left).toEqual(new Set(['0 1', '1 0', '1 1']));
  });
});

describe('room', () => {
  test('runs out in the middle of a write, and comes back with what is removed', async () => {
    const disk = diskOf(1, { restlessness: 0 });
    disk.capacityBytes = 5 * sectorBytes;
    const mount = disk.mount();
    const big = write(mount, '/a/big', 'x'.repeat(200));
    await expect(big).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(contents(disk)['big']).toBe('x'.repeat(5 * sectorBytes));
    await write(mount, '/a/big', 'over what it has', { at: 3 });
    await expect(write(mount, '/a/f', 'x')).rejects.toMatchObject({ code: 'ENOSPC' });
    await mount.unlink('/a/big');
    await syncDirectory(mount, '/a');
    await write(mount, '/a/f', 'y'.repeat(80));
    expect(contents(disk)).toEqual({ f: 'y'.repeat(80) });
  });

  test('is not taken by a size', async () => {
    const disk = diskOf(1, { restlessness: 0 });
    disk.capacityBytes = 2 * sectorBytes;
    const file = await disk.mount().open('/a/f', 'wx');
    await file.truncate(1000);
    await file.writev([Buffer.from('x')], 0);
    await file.writev([Buffer.from('x')], 999);
    await expect(file.writev([Buffer.from('x')], 500)).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});

test('a disk that is read-only refuses what would change it, and nothing else', async () => {
  const disk = diskOf(1);
  const mount = disk.mount();
  await write(mount, '/a/f', 'x', { sync: true });
  disk.isReadOnly = true;
  const refused = { code: 'EROFS' };
  await expect(write(mount, '/a/f', 'y')).rejects.toMatchObject(refused);
  await expect(mount.open('/a/g', 'wx')).rejects.toMatchObject(refused);
  await expect(mount.rename('/a/f', '/a/g')).rejects.toMatchObject(refused);
  await expect(mount.unlink('/a/f')).rejects.toMatchObject(refused);
  await expect(mount.link('/a/f', '/a/g')).rejects.toMatchObject(refused);
  await expect(mount.utimes('/a/f', 1, 1)).rejects.toMatchObject(refused);
  await expect(mount.mkdir('/a/d', { recursive: true, mode: 0o700 })).rejects.toMatchObject(refused);
  await (await mount.open('/a/f', 'r')).close();
  expect(contents(disk)).toEqual({ f: 'x' });
});

test('every call can fail, and everything can end at every call', async () => {
  const kinds = [
    'open',
    'writev',
    'truncate',
    'fstat',
    'read',
    'datasync',
    'sync',
    'close',
    'rename',
    'link',
    'unlink',
    'stat',
    'lstat',
    'utimes',
    'mkdir',
    'readdir',
  ] as const;
  for (const kind of kinds) {
    for (const fault of [{ errno: 'EIO' }, 'powerCut', 'kill'] as const) {
      const calls: DiskCall[] = [];
      const disk = diskOf(kind.length, { faultAt: (call) => (calls.push(call), call.kind === kind ? fault : undefined) });
      const code = await attempt(everyCall(disk.mount()));
      expect([kind, code], `${kind} ${JSON.stringify(fault)}`).toEqual([kind, typeof fault === 'object' ? 'EIO' : 'ESHUTDOWN']);
      expect(disk.isMounted).toBe(typeof fault === 'object');
      expect(calls.map(({ number }) => number)).toEqual(calls.map((_, index) => index + 1));
    }
  }
});

test('a call that fails may fail for another reason besides, and nobody learns that', async () => {
  for (const seed of seeds) {
    const mount = diskOf(seed, { faultAt: () => ({ errno: 'EIO' }) }).mount();
    const calls = [
      mount.stat('/a/f'),
      mount.unlink('/a/f'),
      mount.open('/c/f', 'wx'),
      mount.readdir('/c', { withFileTypes: true }),
    ];
    expect(await Promise.all(calls.map(attempt))).toEqual(['EIO', 'EIO', 'EIO', 'EIO']);
  }
});

test('one seed gives one story', async () => {
  for (const seed of seeds.slice(0, 50)) expect(await storyOf(seed)).toBe(await storyOf(seed));
  expect((await outcomes(storyOf)).size).toBeGreaterThan(50);
});

async function storyOf(seed: number): Promise<string> {
  const random = new Random(seed);
  const events: string[] = [];
  const faultAt = (): DiskFault | undefined =>
    random.chance(0.1) ? random.pick([{ errno: 'EIO' }, 'powerCut', 'kill']) : undefined;
  const disk = diskOf(seed, { faultAt, onEvent: (text) => void events.push(text) });
  await attempt(everyCall(disk.mount()));
  return [...events, JSON.stringify(contents(disk))].join('\n');
}

async function everyCall(mount: DiskMount): Promise<void> {
  await using file = await mount.open('/a/f', 'wx');
  await file.truncate(10);
  await file.writev([Buffer.from('x')], 0);
  await file.read(Buffer.alloc(3), 0, 3, 0);
  await file.stat();
  await file.datasync();
  await syncDirectory(mount, '/a');
  await mount.rename('/a/f', '/a/g');
  await mount.stat('/a/g');
  await mount.link('/a/g', '/a/h');
  await mount.lstat('/a/h', { bigint: true });
  await mount.utimes('/a/h', 1, 2);
  await mount.mkdir('/a/d', { recursive: true, mode: 0o700 });
  await mount.readdir('/a', { withFileTypes: true });
  await mount.unlink('/a/g');
}

function failing(kind: DiskCall['kind'], rules: { readonly isFailing: boolean }): (call: DiskCall) => DiskFault | undefined {
  return (call) => (rules.isFailing && call.kind === kind ? { errno: 'EIO' } : undefined);
}

async function attempt(action: Promise<unknown>): Promise<unknown> {
  return action.catch(firstCode);
}

/** The code of the error, or of that which came before it in a `using` block. */
function firstCode(error: unknown): unknown {
  return error instanceof SuppressedError
    ? firstCode(error.suppressed)
    : ((error as NodeJS.ErrnoException).code ?? String(error));
}

type Action = (mount: DiskMount, directory: string) => Promise<unknown>;

function randomAction(random: Random): Action {
  const name = (): string => random.pick(['x', 'y', 'z']);
  const [a, b, at, length] = [name(), name(), random.below(60), random.below(60)];
  const actions: readonly [Action, ...Action[]] = [
    (mount, directory) => write(mount, `${directory}/${a}`, 'abc'.repeat(length), { at, sync: random.chance(0.5) }),
    (mount, directory) => mount.rename(`${directory}/${a}`, `${directory}/${b}`),
    (mount, directory) => mount.unlink(`${directory}/${a}`),
    async (mount, directory) => {
      await using file = await mount.open(`${directory}/${a}`, 'r+');
      await file.truncate(length);
      const bytes = Buffer.alloc(100);
      const { bytesRead } = await file.read(bytes, 0, 100, at);
      return [bytesRead, bytes.toString('latin1'), (await file.stat()).size];
    },
    async (mount, directory) => {
      await using file = await mount.open(`${directory}/${a}`, 'a', 0o600);
      for (let done = 0; done < length; ) done += (await file.writev([Buffer.alloc(length - done, 'a')])).bytesWritten;
    },
    async (mount, directory) => (await mount.open(`${directory}/${a}`, 'wx')).close(),
    (mount, directory) => mount.link(`${directory}/${a}`, `${directory}/${b}`),
    async (mount, directory) => {
      await mount.utimes(`${directory}/${a}`, 1, 1_700_000_000 + at);
      const { size, nlink, mtimeNs } = await mount.lstat(`${directory}/${a}`, { bigint: true });
      return [size, nlink, mtimeNs];
    },
    async (mount, directory) => {
      const first = await mount.mkdir(`${directory}/d/${a}`, { recursive: true, mode: 0o700 });
      const entries = await mount.readdir(`${directory}/d`, { withFileTypes: true });
      const { mode } = await mount.lstat(`${directory}/d/${a}`, { bigint: true });
      const found = entries.map((entry) => `${entry.name} ${entry.isFile()}`).toSorted();
      return [first?.slice(directory.length), found, mode & 0o170_000n];
    },
    (mount, directory) => mount.mkdir(`${directory}/d/${a}`, { recursive: false, mode: 0o700 }),
    async (mount, directory) => (await mount.open(`${directory}/d/f${b}`, 'a')).close(),
    (mount, directory) => mount.rename(`${directory}/d/f${a}`, `${directory}/${b}`),
  ];
  return random.pick(actions);
}

async function realDirectory() {
  const path = await mkdtemp(join(tmpdir(), 'walvault-model-'));
  return {
    path,
    contents: async () => {
      const names = (await readdir(path)).toSorted((a, b) => (a < b ? -1 : 1));
      const files = names.filter((name) => statSync(join(path, name)).isFile());
      return Object.fromEntries(
        await Promise.all(files.map(async (name) => [name, await readFile(join(path, name), 'latin1')] as const)),
      );
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}
