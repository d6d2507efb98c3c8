import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configured, type Configured } from './configured.test-support.ts';
import { restoreServerWal, type RestoreRequest, type RestoreSurroundings } from './restore-server-wal.ts';

const history = '1\t0/5000000\tno recovery target specified\n';

/** Asks for a history file, or something else, and collects what is waited out. */
function ask(
  at: Configured,
  request: Partial<RestoreRequest>,
  surroundings: Partial<RestoreSurroundings> = {},
): { readonly outcome: ReturnType<typeof restoreServerWal>; readonly waits: string[] } {
  const waits: string[] = [];
  const whole = {
    name: '00000002.history',
    destination: join(at.home, 'RECOVERYHISTORY'),
    partial: false,
    verify: true,
    retryForMs: 60_000,
  };
  const outcome = restoreServerWal(
    at.pg,
    { ...whole, ...request },
    {
      signal: new AbortController().signal,
      onRetry: (error) => waits.push((error as Error & { code: string }).code),
      onFull: async () => undefined,
      ...surroundings,
    },
  );
  return { outcome, waits };
}

async function makeDirectories(at: Configured): Promise<void> {
  for (const directory of [at.pg.directories.wals, at.pg.directories.streaming]) await mkdir(directory, { recursive: true });
}

test('an archive that is not there, then empty, then there, is waited for', async () => {
  await using at = await configured();
  const steps = [() => makeDirectories(at), () => writeFile(join(at.pg.directories.wals, '00000002.history'), history)];
  const waits: string[] = [];
  const { outcome } = ask(
    at,
    {},
    {
      onRetry: (error) => {
        waits.push((error as Error & { code: string }).code);
        void steps.shift()?.();
      },
    },
  );
  expect(await outcome).toMatchObject({ kind: 'restored', location: 'archive' });
  expect(waits.slice(0, 2)).toEqual(['ERR_PATH_MISSING', 'ERR_ARCHIVE_EMPTY']);
  expect(await readFile(join(at.home, 'RECOVERYHISTORY'), 'utf8')).toBe(history);
});

test('with no time to wait it is thrown at once', async () => {
  await using at = await configured();
  const { outcome, waits } = ask(at, { retryForMs: 0 });
  await expect(outcome).rejects.toMatchObject({ code: 'ERR_PATH_MISSING' });
  expect(waits).toEqual([]);
});

test('what will not pass is thrown at once', async () => {
  await using at = await configured();
  await makeDirectories(at);
  await writeFile(join(at.pg.directories.wals, '00000002.history'), 'gibberish');
  const { outcome, waits } = ask(at, {});
  await expect(outcome).rejects.toMatchObject({ code: 'ERR_WAL_FILE_CORRUPT' });
  expect(waits).toEqual([]);
});

test('a signal ends the wait', async () => {
  await using at = await configured();
  const stop = new AbortController();
  const { outcome } = ask(at, {}, { signal: stop.signal, onRetry: () => stop.abort(new Error('told to end')) });
  await expect(outcome).rejects.toThrow();
  expect(stop.signal.aborted).toBe(true);
});

test('xlog.db under the name and with the columns of newer Barmans tells a hole, too', async () => {
  await using at = await configured();
  await makeDirectories(at);
  const { wals } = at.pg.directories;
  await mkdir(join(wals, '0000000100000000'));
  await writeFile(join(wals, '0000000100000000/000000010000000000000001'), '');
  await writeFile(join(wals, 'pg-xlog.db'), '000000010000000000000002\t16777216\t1795364256.68\txz\tNone\n');
  await expect(ask(at, { name: '000000010000000000000002' }).outcome).rejects.toMatchObject({ code: 'ERR_WAL_HOLE' });
  expect(await ask(at, { name: '000000010000000000000003' }).outcome).toMatchObject({ kind: 'absent' });
  await rm(join(wals, 'pg-xlog.db'));
  expect(await ask(at, { name: '000000010000000000000002' }).outcome).toMatchObject({ kind: 'absent' });
});
