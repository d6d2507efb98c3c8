import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect } from 'vitest';
import { listenToSystemCalls } from './system-calls.test-support.ts';
import { test } from './test-directory.test-support.ts';
import { appendDurably, writeFileAtomic } from './write-atomic.ts';

describe('writeFileAtomic', () => {
  test('a reader sees the old content or the new, whole, whenever it looks', async ({ directory }) => {
    const path = join(directory, 'state.json');
    const contents = Array.from({ length: 30 }, (_, index) => `${index}`.repeat(200_000));
    const seen: string[] = [];
    await writeFileAtomic(path, contents[0]!);
    const written = new AbortController();
    const reader = (async () => {
      while (!written.signal.aborted) seen.push(await readFile(path, 'utf8'));
    })();
    for (const content of contents) await writeFileAtomic(path, content, { durable: false });
    written.abort();
    await reader;
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every((content) => contents.includes(content))).toBe(true);
    expect(await readFile(path, 'utf8')).toBe(contents.at(-1));
  });

  test('any number of writers at a time leave one of their contents and nothing else', async ({ directory }) => {
    const path = join(directory, 'f');
    await Promise.all(Array.from({ length: 20 }, (_, index) => writeFileAtomic(path, `writer ${index}`)));
    expect(await readFile(path, 'utf8')).toMatch(/^writer \d+$/);
    expect(await readdir(directory)).toEqual(['f']);
  });

  test('syncs the new content before it takes the place of the old', async ({ directory }) => {
    using system = await listenToSystemCalls();
    await writeFileAtomic(join(directory, 'f'), Buffer.from([1, 2, 3]));
    const calls = system.calls.map((call) => call.replace(/\.f\.[-0-9a-f]{36}\.tmp/, 'TEMP'));
    expect(calls).toEqual(['writev TEMP', 'sync TEMP', 'rename TEMP f', `sync ${basename(directory)}`]);
    expect(await readFile(join(directory, 'f'))).toEqual(Buffer.from([1, 2, 3]));
  });

  test('without durability it syncs nothing', async ({ directory }) => {
    using system = await listenToSystemCalls();
    await writeFileAtomic(join(directory, 'f'), 'x', { durable: false });
    expect(system.calls.map((call) => call.split(' ')[0])).toEqual(['writev', 'rename']);
  });

  test('a new file is ours alone, and any mode can be given', async ({ directory }) => {
    await writeFileAtomic(join(directory, 'a'), 'x');
    await writeFileAtomic(join(directory, 'b'), 'x', { mode: 0o644 });
    expect((await stat(join(directory, 'a'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, 'b'))).mode & 0o777).toBe(0o644 & ~process.umask());
  });

  test('replaces a symbolic link, not what it leads to', async ({ directory }) => {
    await writeFile(join(directory, 'target'), 'old');
    await symlink('target', join(directory, 'link'));
    await writeFileAtomic(join(directory, 'link'), 'new');
    expect(await readFile(join(directory, 'target'), 'utf8')).toBe('old');
    expect(await readFile(join(directory, 'link'), 'utf8')).toBe('new');
  });

  test.for(['writev', 'sync', 'rename'] as const)(
    'when %s fails, the old content is there and the temporary file is not',
    async (call, { directory }) => {
      const path = join(directory, 'f');
      await writeFile(path, 'old');
      {
        using system = await listenToSystemCalls();
        system.fail(call, 'ENOSPC');
        const code = call === 'sync' ? 'ERR_SYNC_FAILED' : 'ERR_STORAGE_FULL';
        await expect(writeFileAtomic(path, 'new')).rejects.toThrow(expect.objectContaining({ name: 'FileSystemError', code }));
      }
      expect(await readdir(directory)).toEqual(['f']);
      expect(await readFile(path, 'utf8')).toBe('old');
    },
  );

  test('a directory in the place of the file stays, and no temporary file does', async ({ directory }) => {
    await mkdir(join(directory, 'd'));
    await expect(writeFileAtomic(join(directory, 'd'), 'x')).rejects.toThrow(/could not rename .*: is a directory$/);
    expect(await readdir(directory)).toEqual(['d']);
  });
});

describe('appendDurably', () => {
  test('makes the file, then adds to it; the entry is synced once', async ({ directory }) => {
    const path = join(directory, 'xlog.db');
    using system = await listenToSystemCalls();
    await appendDurably(path, 'one\n');
    await appendDurably(path, Buffer.from('two\n'));
    expect(await readFile(path, 'utf8')).toBe('one\ntwo\n');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(system.calls).toEqual([
      'writev xlog.db',
      'datasync xlog.db',
      `sync ${basename(directory)}`,
      'writev xlog.db',
      'datasync xlog.db',
    ]);
  });

  test('a failed sync is told as one', async ({ directory }) => {
    using system = await listenToSystemCalls();
    system.fail('datasync', 'EIO');
    await expect(appendDurably(join(directory, 'f'), 'x')).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_SYNC_FAILED', retry: 'fatal', path: join(directory, 'f') }),
    );
  });

  test('a full disk is told as such', async () => {
    await expect(appendDurably('/dev/full', 'x')).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_STORAGE_FULL', retry: 'retry', path: '/dev/full' }),
    );
  });
});
