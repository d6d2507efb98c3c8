import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { lockOwner, tryLock } from './file-lock.ts';
import { test } from './test-directory.test-support.ts';

const lockModule = fileURLToPath(new URL('file-lock.ts', import.meta.url));

describe('in one process', () => {
  test('a lock is held once, and free again when it is disposed of', async ({ directory }) => {
    const path = join(directory, '.lock');
    {
      await using lock = await tryLock(path);
      expect(lock?.path).toBe(path);
      expect(await tryLock(path)).toBeUndefined();
    }
    await using again = await tryLock(path);
    expect(again).toBeDefined();
  });

  test('the file holds the PID and a newline, is ours alone, and stays', async ({ directory }) => {
    const path = join(directory, '.lock');
    await writeFile(path, 'something much longer than a PID\n');
    await chmod(path, 0o600);
    const lock = await tryLock(path);
    await lock![Symbol.asyncDispose]();
    await lock![Symbol.asyncDispose]();
    expect(await readFile(path, 'utf8')).toBe(`${process.pid}\n`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('lockOwner tells the holder, and nobody of a free lock or one that never was', async ({ directory }) => {
    const path = join(directory, '.lock');
    expect(await lockOwner(path)).toBeUndefined();
    {
      await using _ = await tryLock(path);
      expect(await lockOwner(path)).toEqual({ pid: process.pid, kind: 'fcntl' });
    }
    expect(await lockOwner(path)).toBeUndefined();
  });

  test('many that look never keep one from taking the lock', async ({ directory }) => {
    const path = join(directory, '.lock');
    await writeFile(path, '');
    const taken = new AbortController();
    const lookers = Array.from({ length: 4 }, async () => {
      while (!taken.signal.aborted) await lockOwner(path);
    });
    for (let round = 0; round < 20; round += 1) {
      await using lock = await tryLock(path);
      expect(lock, `round ${round}`).toBeDefined();
    }
    taken.abort();
    await Promise.all(lookers);
  });

  test('of many that try at once exactly one gets it', async ({ directory }) => {
    const path = join(directory, '.lock');
    const locks = await Promise.all(Array.from({ length: 10 }, () => tryLock(path)));
    const held = locks.filter((lock) => lock !== undefined);
    expect(held).toHaveLength(1);
    await held[0]![Symbol.asyncDispose]();
  });

  test('a lock file that was removed meanwhile does not let two in', async ({ directory }) => {
    const path = join(directory, '.lock');
    await using old = await tryLock(path);
    await rm(path);
    await using fresh = await tryLock(path);
    expect(old).toBeDefined();
    expect(fresh).toBeDefined(); // another file: nobody can find the old one
    expect(await tryLock(path)).toBeUndefined();
    expect(await lockOwner(path)).toEqual({ pid: process.pid, kind: 'fcntl' });
  });

  test('a lock file of odd content has a holder without a PID', async ({ directory }) => {
    const path = join(directory, '.lock');
    await using _ = await tryLock(path);
    await writeFile(path, 'odd');
    expect(await lockOwner(path)).toEqual({ pid: undefined, kind: 'fcntl' });
  });

  test('what cannot be a lock file is an error', async ({ directory }) => {
    await expect(tryLock(join(directory, 'no', '.lock'))).rejects.toThrow(expect.objectContaining({ code: 'ERR_PATH_MISSING' }));
    await expect(lockOwner(join(directory, '.lock', 'x'))).resolves.toBeUndefined();
    await mkdir(join(directory, 'd'));
    await expect(tryLock(join(directory, 'd'))).rejects.toThrow(expect.objectContaining({ code: 'ERR_FILE_SYSTEM' }));
    await expect(lockOwner(join(directory, 'd'))).rejects.toThrow(expect.objectContaining({ code: 'ERR_FILE_SYSTEM' }));
  });
});

describe('between processes', () => {
  test('a second process is refused, and let in when the first is killed', async ({ directory }) => {
    const path = join(directory, '.lock');
    const holder = await holdInAnotherProcess(path);
    expect(await tryLock(path)).toBeUndefined();
    expect(await lockOwner(path)).toEqual({ pid: holder.pid, kind: 'fcntl' });
    expect(await readFile(path, 'utf8')).toBe(`${holder.pid}\n`);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(await lockOwner(path)).toBeUndefined();
    await using lock = await tryLock(path);
    expect(lock).toBeDefined();
    expect(await readFile(path, 'utf8')).toBe(`${process.pid}\n`);
  });

  test('a program that the holder started does not keep the lock when the holder is gone', async ({ directory }) => {
    const path = join(directory, '.lock');
    const holder = await holdInAnotherProcess(
      path,
      `const { spawn } = await import('node:child_process');
      console.log(spawn('sleep', ['60'], { stdio: 'ignore' }).pid);`,
    );
    const [line] = (await once(holder.stdout!, 'data')) as [Buffer];
    onTestFinished(() => void process.kill(Number(line.toString())));
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    expect(await lockOwner(path)).toBeUndefined();
  });

  test('a flock(2) as Barman takes it counts as held, and the file is left as it is', async ({ directory }) => {
    const path = join(directory, '.lock');
    await writeFile(path, '4242\n');
    const barman = spawn('flock', ['--nonblock', path, 'sh', '-c', 'echo held; exec sleep 60']);
    onTestFinished(() => void barman.kill('SIGKILL'));
    await once(barman.stdout, 'data');
    expect(await tryLock(path)).toBeUndefined();
    expect(await lockOwner(path)).toEqual({ pid: 4242, kind: 'flock' });
    expect(await readFile(path, 'utf8')).toBe('4242\n');
  });
});

test('withFlock: a flock(2) is refused as well, as long as the lock is held', async ({ directory }) => {
  const path = join(directory, '.lock');
  const barman = async () => (await once(spawn('flock', ['--nonblock', path, 'true']), 'close'))[0] as number;
  {
    await using lock = await tryLock(path, { withFlock: true });
    expect(lock).toBeDefined();
    expect(await barman()).toBe(1);
    expect(await tryLock(path, { withFlock: true })).toBeUndefined();
    expect(await lockOwner(path)).toEqual({ pid: process.pid, kind: 'fcntl' });
  }
  expect(await barman()).toBe(0);
  await using again = await tryLock(path, { withFlock: true });
  expect(again).toBeDefined();
});

test('withFlock without flock(1) on the PATH: the lock is taken all the same', async ({ directory }) => {
  vi.stubEnv('PATH', directory);
  onTestFinished(() => void vi.unstubAllEnvs());
  await using lock = await tryLock(join(directory, '.lock'), { withFlock: true });
  expect(lock).toBeDefined();
});

/** Takes the lock in a process of its own and waits until that has it; `more` runs there afterwards. */
async function holdInAnotherProcess(path: string, more = ''): Promise<ChildProcess> {
  const code = `
    import { tryLock } from ${JSON.stringify(lockModule)};
    globalThis.lock = await tryLock(${JSON.stringify(path)});
    console.log(lock === undefined ? 'refused' : 'held');
    setInterval(() => undefined, 1000);
    process.stdin.resume().on('end', () => process.exit()); // never outlives the test
    ${more}`;
  const child = spawn(process.execPath, ['--conditions=@walvault/source', '--input-type=module', '--eval', code]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  expect(line.toString().split('\n')[0]).toBe('held');
  return child;
}
