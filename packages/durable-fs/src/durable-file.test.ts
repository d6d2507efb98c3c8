import { closeSync, readlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect } from 'vitest';
import { DurableFile } from './durable-file.ts';
import { listenToSystemCalls } from './system-calls.test-support.ts';
import { test } from './test-directory.test-support.ts';

const size = 64 * 1024;

describe('opening', () => {
  test('a new file has its full size at once, reads as zeros and is ours alone', async ({ directory }) => {
    const path = join(directory, 'f');
    await using file = await DurableFile.open({ path, size });
    expect(file.path).toBe(path);
    expect(await readFile(path)).toEqual(Buffer.alloc(size));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('a mode can be given', async ({ directory }) => {
    const path = join(directory, 'f');
    await using _ = await DurableFile.open({ path, size, mode: 0o640 });
    expect((await stat(path)).mode & 0o777).toBe(0o640 & ~process.umask());
  });

  test('what a file holds stays', async ({ directory }) => {
    const path = join(directory, 'f');
    const content = Buffer.alloc(size, 'x');
    await writeFile(path, content);
    await using _ = await DurableFile.open({ path, size });
    expect(await readFile(path)).toEqual(content);
  });

  test('a short file is filled up with zeros behind what it holds', async ({ directory }) => {
    const path = join(directory, 'f');
    await writeFile(path, 'abc');
    await using _ = await DurableFile.open({ path, size });
    expect(await readFile(path)).toEqual(Buffer.concat([Buffer.from('abc'), Buffer.alloc(size - 3)]));
  });

  test('a longer file is refused and left as it is', async ({ directory }) => {
    const path = join(directory, 'f');
    await writeFile(path, Buffer.alloc(size + 1, 'x'));
    await expect(DurableFile.open({ path, size })).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_FILE_SYSTEM',
        path,
        message: `could not use "${path}": it has 65537 bytes instead of 65536`,
      }),
    );
    expect(await readFile(path)).toEqual(Buffer.alloc(size + 1, 'x'));
  });

  test('a file that must exist is not made', async ({ directory }) => {
    const path = join(directory, 'f');
    await expect(DurableFile.open({ path, size, mustExist: true })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_PATH_MISSING', path }),
    );
    expect(await readdir(directory)).toEqual([]);
  });

  test('a file that must exist is not filled up', async ({ directory }) => {
    const path = join(directory, 'f');
    await writeFile(path, 'abc');
    await expect(DurableFile.open({ path, size, mustExist: true })).rejects.toThrow(expect.objectContaining({ path }));
    expect(await readFile(path, 'utf8')).toBe('abc');
    await truncate(path, size);
    await using file = await DurableFile.open({ path, size, mustExist: true });
    expect(file.path).toBe(path);
  });

  test('a directory that is not there is named, with what to do', async ({ directory }) => {
    const path = join(directory, 'no', 'f');
    await expect(DurableFile.open({ path, size })).rejects.toThrow(
      expect.objectContaining({
        name: 'FileSystemError',
        code: 'ERR_PATH_MISSING',
        retry: 'fatal',
        path,
        message: `could not open "${path}": no such file or directory`,
        hint: 'Create it, or correct the path in the configuration.',
        cause: expect.objectContaining({ code: 'ENOENT' }),
      }),
    );
  });

  test('a directory in the place of the file is refused', async ({ directory }) => {
    await mkdir(join(directory, 'd'));
    await expect(DurableFile.open({ path: join(directory, 'd'), size })).rejects.toThrow(/could not open .*: is a directory$/);
  });
});

describe('writing', () => {
  test('puts any pieces one behind the other at any place and touches nothing else', async ({ directory }) => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(pieces, fc.nat(size - 300 * 40), async (buffers, position) => {
        const path = join(directory, 'f');
        await writeFile(path, Buffer.alloc(size, 'x'));
        await using file = await DurableFile.open({ path, size });
        await file.write(buffers, position);
        const expected = Buffer.alloc(size, 'x');
        Buffer.concat(buffers).copy(expected, position);
        expect((await readFile(path)).equals(expected)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('takes more buffers than the system takes in one call (IOV_MAX, 1024)', async ({ directory }) => {
    const path = join(directory, 'f');
    await using file = await DurableFile.open({ path, size });
    const buffers = Array.from({ length: 5000 }, (_, index) => Buffer.from(`${index},`));
    await file.write(buffers, 100);
    const text = Buffer.concat(buffers);
    expect((await readFile(path)).subarray(100, 100 + text.length).equals(text)).toBe(true);
  });

  test('goes on where the system stopped short', async ({ directory }) => {
    const path = join(directory, 'f');
    await using file = await DurableFile.open({ path, size });
    const prototype = await writevInSmallSteps(7);
    try {
      await file.write([Buffer.from('abcdefghij'), Buffer.alloc(0), Buffer.from('kl'), Buffer.from('mnopqrst')], 3);
    } finally {
      prototype.restore();
    }
    expect((await readFile(path)).subarray(0, 25).toString('latin1')).toBe('\0\0\0abcdefghijklmnopqrst\0\0');
  });

  test('a full disk is told as such and may pass', async () => {
    await using file = await DurableFile.open({ path: '/dev/full', size: 0 });
    await expect(file.write([Buffer.from('x')], 0)).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_STORAGE_FULL',
        retry: 'retry',
        path: '/dev/full',
        message: 'could not write to "/dev/full": no space left on device',
        hint: 'Free some space or raise the quota on this file system.',
      }),
    );
  });
});

describe('syncing', () => {
  test('makes the content durable, and at the first time the entry in the directory', async ({ directory }) => {
    await using file = await DurableFile.open({ path: join(directory, 'f'), size });
    using system = await listenToSystemCalls();
    await file.write([Buffer.from('a')], 0);
    await file.sync();
    await file.write([Buffer.from('b')], 1);
    await file.sync();
    const name = directory.split('/').at(-1);
    expect(system.calls).toEqual(['writev f', 'datasync f', `sync ${name}`, 'writev f', 'datasync f']);
  });

  test('a failed sync is never believed again, nor is the file completed', async ({ directory }) => {
    const path = join(directory, 'f.partial');
    await using file = await DurableFile.open({ path, size });
    const failure = expect.objectContaining({
      code: 'ERR_SYNC_FAILED',
      retry: 'fatal',
      path,
      message: `could not fsync "${path}": input/output error`,
    });
    {
      using system = await listenToSystemCalls();
      system.fail('datasync', 'EIO');
      await expect(file.sync()).rejects.toThrow(failure);
    }
    await expect(file.sync()).rejects.toThrow(failure);
    await expect(file.completeAs(join(directory, 'f'))).rejects.toThrow(failure);
    expect(await readdir(directory)).toEqual(['f.partial']);
  });

  test('an out-of-space error of a sync is fatal too: the data may be gone', async ({ directory }) => {
    await using file = await DurableFile.open({ path: join(directory, 'f'), size });
    using system = await listenToSystemCalls();
    system.fail('datasync', 'ENOSPC');
    await expect(file.sync()).rejects.toThrow(expect.objectContaining({ code: 'ERR_SYNC_FAILED', retry: 'fatal' }));
  });

  test('a directory that cannot be synced fails the sync, and it is tried again with the next', async ({ directory }) => {
    await using file = await DurableFile.open({ path: join(directory, 'f'), size });
    {
      using system = await listenToSystemCalls();
      system.fail('sync', 'EIO');
      await expect(file.sync()).rejects.toThrow(expect.objectContaining({ code: 'ERR_SYNC_FAILED', path: directory }));
    }
    using system = await listenToSystemCalls();
    await file.sync();
    expect(system.calls.filter((call) => call.startsWith('sync'))).toHaveLength(1);
  });
});

describe('completing', () => {
  test('syncs the content, then renames, then syncs the directory', async ({ directory }) => {
    const file = await DurableFile.open({ path: join(directory, 'f.partial'), size });
    await file.write([Buffer.from('abc')], 0);
    using system = await listenToSystemCalls();
    await file.completeAs(join(directory, 'f'));
    const name = directory.split('/').at(-1);
    expect(system.calls).toEqual(['datasync f.partial', 'rename f.partial f', `sync ${name}`]);
  });

  test('leaves the content under the final name only, and replaces what had it', async ({ directory }) => {
    await writeFile(join(directory, 'f'), 'old');
    const file = await DurableFile.open({ path: join(directory, 'f.partial'), size });
    await file.write([Buffer.from('abc')], 0);
    await file.completeAs(join(directory, 'f'));
    expect(await readdir(directory)).toEqual(['f']);
    expect((await readFile(join(directory, 'f'))).subarray(0, 4).toString('latin1')).toBe('abc\0');
  });
});

describe('moving', () => {
  test('gives the open file another name, in place of what had it, and syncs nothing', async ({ directory }) => {
    await writeFile(join(directory, 'g'), 'old');
    await using file = await DurableFile.open({ path: join(directory, 'f'), size });
    await file.write([Buffer.from('abc')], 0);
    {
      using system = await listenToSystemCalls();
      await file.moveTo(join(directory, 'g'));
      expect(system.calls).toEqual(['rename f g']);
    }
    await file.write([Buffer.from('def')], 3);
    expect(file.path).toBe(join(directory, 'g'));
    expect(await readdir(directory)).toEqual(['g']);
    expect((await readFile(file.path)).subarray(0, 7).toString('latin1')).toBe('abcdef\0');
  });

  test('makes the entry one that the next sync has to make durable, once', async ({ directory }) => {
    await using file = await DurableFile.open({ path: join(directory, 'f'), size });
    await file.sync();
    await file.moveTo(join(directory, 'g'));
    using system = await listenToSystemCalls();
    await file.sync();
    await file.sync();
    expect(system.calls).toEqual(['datasync g', `sync ${directory.split('/').at(-1)}`, 'datasync g']);
  });

  test('in the middle of a sync, also to and fro, leaves the new name to the next one', async ({ directory }) => {
    await using file = await DurableFile.open({ path: join(directory, 'f'), size });
    const running = file.sync();
    await file.moveTo(join(directory, 'g'));
    await file.moveTo(join(directory, 'f'));
    await running;
    using system = await listenToSystemCalls();
    await file.sync();
    expect(system.calls).toEqual(['datasync f', `sync ${directory.split('/').at(-1)}`]);
  });

  test('that fails leaves the file where it was, and says so', async ({ directory }) => {
    await mkdir(join(directory, 'd'));
    await using file = await DurableFile.open({ path: join(directory, 'f'), size });
    await expect(file.moveTo(join(directory, 'd'))).rejects.toThrow(/^could not rename to .*: is a directory$/);
    expect(file.path).toBe(join(directory, 'f'));
    await file.completeAs(join(directory, 'g'));
    expect((await readdir(directory)).toSorted()).toEqual(['d', 'g']);
  });
});

describe('filling', () => {
  test('puts zeros between the bounds, and nowhere else', async ({ directory }) => {
    const path = join(directory, 'f');
    const bytes = 3 * 1024 * 1024 + 100;
    await writeFile(path, Buffer.alloc(bytes, 'x'));
    await using file = await DurableFile.open({ path, size: bytes });
    await file.fill(100, bytes - 7);
    const expected = Buffer.concat([Buffer.alloc(100, 'x'), Buffer.alloc(bytes - 107), Buffer.alloc(7, 'x')]);
    expect((await readFile(path)).equals(expected)).toBe(true);
  });

  test('is done a MiB at a time, and ends between two when it is told to', async ({ directory }) => {
    await using file = await DurableFile.open({ path: join(directory, 'f'), size: 4 * 1024 * 1024 });
    using system = await listenToSystemCalls();
    await file.fill(0, 2.5 * 1024 * 1024);
    expect(system.calls).toEqual(['writev f', 'writev f', 'writev f']);
    const stop = new AbortController();
    const filling = file.fill(0, 4 * 1024 * 1024, stop.signal);
    stop.abort(new Error('enough'));
    await expect(filling).rejects.toThrow('enough');
    expect(system.calls).toHaveLength(4);
  });

  test('of nothing writes nothing', async ({ directory }) => {
    await using file = await DurableFile.open({ path: join(directory, 'f'), size });
    using system = await listenToSystemCalls();
    await file.fill(5, 5);
    expect(system.calls).toEqual([]);
  });
});

describe('reading', () => {
  test('gives what is there, up to the end of the file', async ({ directory }) => {
    await using file = await DurableFile.open({ path: join(directory, 'f'), size: 10 });
    await file.write([Buffer.from('0123456789')], 0);
    const buffer = Buffer.alloc(4);
    expect(await file.read(buffer, 3)).toBe(4);
    expect(buffer.toString()).toBe('3456');
    expect(await file.read(buffer, 8)).toBe(2);
    expect(buffer.toString()).toBe('8956');
    expect(await file.read(buffer, 10)).toBe(0);
  });

  test('that fails says which file', async ({ directory }) => {
    const file = await DurableFile.open({ path: join(directory, 'f'), size: 10 });
    await file[Symbol.asyncDispose]();
    await expect(file.read(Buffer.alloc(1), 0)).rejects.toThrow(`could not read "${file.path}": EBADF`);
  });
});

test('closing twice, also after completing, is fine', async ({ directory }) => {
  const file = await DurableFile.open({ path: join(directory, 'f'), size });
  await file.completeAs(join(directory, 'g'));
  await file[Symbol.asyncDispose]();
  await file[Symbol.asyncDispose]();
  await expect(file.sync()).rejects.toThrow(expect.objectContaining({ code: 'ERR_SYNC_FAILED' }));
});

test('an error on closing says which file', async ({ directory }) => {
  const file = await DurableFile.open({ path: join(directory, 'f'), size });
  const fd = (await readdir('/proc/self/fd')).find((fd) => linkTarget(`/proc/self/fd/${fd}`) === file.path);
  closeSync(Number(fd)); // behind its back
  await expect(file[Symbol.asyncDispose]()).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_FILE_SYSTEM', message: `could not close "${file.path}": EBADF` }),
  );
});

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // the descriptor that read the directory is gone
  }
}

/** Makes the system write at most `limit` bytes of a vector in one call, as it may. */
async function writevInSmallSteps(limit: number): Promise<{ restore: () => void }> {
  const { open } = await import('node:fs/promises');
  await using handle = await open('/dev/null');
  const prototype = Object.getPrototypeOf(handle) as { writev: (buffers: Uint8Array[], at: number) => Promise<unknown> };
  const original = prototype.writev;
  prototype.writev = function short(buffers, at) {
    return original.call(this, [Buffer.concat(buffers).subarray(0, limit)], at);
  };
  return { restore: () => void (prototype.writev = original) };
}
