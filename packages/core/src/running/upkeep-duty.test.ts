import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises';
import { tryLock } from '@walvault/durable-fs';
import { silentLogger } from '@walvault/wal';
import { expect, test } from 'vitest';
import { configured, nowhere } from '../configured.test-support.ts';
import { isDeletionDue } from '../delete-server-wal.ts';
import { LiveServerConfig } from '../live-server-config.ts';
import { plantSegment } from '../planted-segment.test-support.ts';
import { ensureDirectories, lockPath } from '../server-paths.ts';
import { Duty } from './duty.ts';
import { leaseMs, Turns } from './turns.ts';
import { Upkeep } from './upkeep-duty.ts';

test('an archiver with a backlog, which begins its next pass at once, does not keep the deletion from its turn', async () => {
  await using fixture = await configured(`${nowhere}wal_retention_policy = RECOVERY WINDOW OF 1 WEEK\n`);
  const { pg } = fixture;
  await ensureDirectories(pg.lockDirectory, ...Object.values(pg.directories));
  await plantSegment(pg);
  const stop = new AbortController();
  const ownTurns = new Turns(1, leaseMs);
  // It lets go of its lock only when it is another one's turn.
  const archive = async (): Promise<void> => {
    let turn = ownTurns.take(stop.signal);
    for (;;) {
      await turn;
      await using _ = await tryLock(lockPath(pg, 'archive-wal'));
      for (let isMine = true; isMine; ) {
        await sleep(20);
        const next = ownTurns.take(stop.signal);
        (await turn)[Symbol.dispose]();
        turn = next;
        isMine = await Promise.race([next.then(() => true), immediate(false)]);
      }
    }
  };
  const archiving = archive().catch(() => undefined);
  const deletion = new Duty('idle');
  const upkeep = new Upkeep({
    live: new LiveServerConfig(pg),
    deletion,
    healing: new Duty('idle'),
    ownTurns,
    turns: new Turns(1, leaseMs),
    onHealed: () => undefined,
    stop: stop.signal,
    log: silentLogger,
  });
  const keeping = upkeep.keepUp();
  expect(await isDeletionDue(pg)).toBe(true);
  upkeep.lookNow();
  // One that was put off would be due again by then.
  const isDueSoon = (): Promise<boolean> => isDeletionDue(pg, Date.now() + 3_500_000);
  await expect.poll(async () => [deletion.state.phase, await isDueSoon()]).toEqual(['idle', false]);
  stop.abort();
  await Promise.all([archiving, keeping]);
});
