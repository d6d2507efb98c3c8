import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '@walvault/wal';
import { expect, test } from 'vitest';
import { configured, nowhere } from '../configured.test-support.ts';
import { plantSegment } from '../planted-segment.test-support.ts';
import { ensureDirectories } from '../server-paths.ts';
import { Duty } from './duty.ts';
import { type VerifiedServer, verifyInRounds } from './verification-rounds.ts';

test('a server whose file system hangs is passed over, and told; it has its turn again when that answers', async () => {
  await using fixture = await configured(nowhere, `[pg-b]\n${nowhere}`);
  const stop = new AbortController();
  const damaged: string[] = [];
  const servers = [...fixture.configuration.servers.values()].map((current): VerifiedServer => {
    const onDamage = (): void => void damaged.push(current.name);
    return { current, duty: new Duty('idle'), log: silentLogger, stop: stop.signal, onDamage };
  });
  for (const { current } of servers) {
    await ensureDirectories(...Object.values(current.directories));
    await plantSegment(current);
  }
  // A read of a pipe that nobody writes to hangs as one of a file server that is gone.
  const pipe = join(servers[0]!.current.directories.backup, 'last-verification.json');
  await promisify(execFile)('mkfifo', [pipe]);
  const rounds = verifyInRounds({
    servers: () => servers,
    budget: () => 1024 ** 3,
    change: () => new AbortController().signal,
    stop: stop.signal,
    hungAfterMs: 2000,
    pauseMs: 10,
  });
  await expect.poll(() => damaged).toContain('pg-b');
  expect(damaged).not.toContain('pg');
  expect(servers[0]!.duty.state).toMatchObject({ phase: 'waiting', lastError: { code: 'ERR_NO_PROGRESS' } });

  const writer = await open(pipe, 'w');
  await rm(pipe);
  await writer.close();
  await expect.poll(() => damaged).toContain('pg');
  expect(servers[0]!.duty.state.phase).toBe('idle');
  stop.abort();
  await rounds;
});
