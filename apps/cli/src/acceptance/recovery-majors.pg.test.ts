import { expect, test } from 'vitest';
import { passSegments, RecoveredArchive } from './recovered-archive.test-support.ts';

test.for([14, 15, 16, 17, 18] as const)(
  'PostgreSQL %i recovers to a name, and through 200 segments over the timeline that began there to a time, mostly without a call of walvault',
  async (major) => {
    await using archive = await RecoveredArchive.create(major, { compression: 'zstd' }, async (pg) => {
      await passSegments(pg, 70);
      await pg.query(`insert into marks values ('before the name')`);
      await pg.query(`select pg_create_restore_point('here')`);
      await pg.query(`insert into marks values ('behind the name')`);
      await passSegments(pg, 5);
    });

    await using named = await archive.recover({ recovery_target_name: 'here', recovery_target_action: 'promote' });
    expect(await named.marks()).toEqual(['before the name']);
    await passSegments(named.server, 130);
    await named.server.query(`insert into marks values ('before the time')`);
    const time = (await named.server.value('select clock_timestamp()::text'))!;
    await named.server.query(`insert into marks values ('behind the time')`);
    await archive.take(named.server, 2);

    await using timed = await archive.recover({ recovery_target_time: time, recovery_target_action: 'promote' });
    expect(await timed.marks()).toEqual(['before the name', 'before the time']);
    expect(await timed.restored()).toBeGreaterThanOrEqual(200);
    expect(timed.calls.length).toBeLessThan(100);
  },
);
