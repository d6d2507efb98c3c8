/** `doctor` on servers that are not set up for streaming, or have no place left: what it says to run must help. */
import { startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { examine, follow } from './doctor.test-support.ts';
import { sectionFor, Vault } from './vault.test-support.ts';

test('wal_level = minimal and no walsender: the SQL and a restart make it ready', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1, settings: { wal_level: 'minimal', max_wal_senders: 0 } });
  await using vault = await Vault.create({ pg: sectionFor(pg) });
  const before = await examine(vault);
  expect(before.code).toBe(1);
  expect(before.problems).toEqual(['authentication', 'wal_level', 'max_wal_senders', 'slot', 'receiver']);
  expect(before.of('wal_level')).toMatchObject({
    status: 'problem',
    what: 'wal_level = minimal',
    remedy: { sql: [`ALTER SYSTEM SET wal_level = 'replica';`], words: expect.stringContaining(pg.dataDirectory) },
  });
  expect(before.of('max_wal_senders')).toMatchObject({
    status: 'problem',
    what: 'max_wal_senders = 0',
    remedy: { sql: ['ALTER SYSTEM SET max_wal_senders = 10;'] },
  });
  for (const step of ['wal_level', 'max_wal_senders']) await follow(before.of(step), { pg, vault });
  await pg.reload();
  await pg.waitFor(`select pending_restart from pg_settings where name = 'wal_level'`);
  const between = await examine(vault);
  expect(between.of('wal_level').remedy).toMatchObject({
    sql: [],
    words: expect.stringContaining('set to another value already'),
  });
  await pg.restart();
  const after = await examine(vault);
  expect(after.problems).toEqual(['slot', 'receiver']);
  for (const step of ['slot', 'receiver'])
    await follow({ ...after.of(step), remedy: { ...after.of(step).remedy!, sql: [] } }, { pg, vault });
  await expect.poll(async () => (await examine(vault)).problems).toEqual([]);
});

test('a server without a place for one more, and a slot that has lost its WAL', async () => {
  const settings = {
    max_wal_senders: 1,
    max_replication_slots: 1,
    max_slot_wal_keep_size: '2MB',
    wal_keep_size: 0,
    min_wal_size: '2MB',
  };
  await using pg = await startCluster({ segmentSizeMb: 1, settings });
  await using vault = await Vault.create({ pg: sectionFor(pg), other: sectionFor(pg, { slot_name: 'other' }) });
  await pg.query(`select pg_create_physical_replication_slot('other', true)`);
  const full = await examine(vault);
  expect(full.of('max_replication_slots')).toMatchObject({
    status: 'problem',
    what: '1 of 1 in use',
    remedy: { sql: ['ALTER SYSTEM SET max_replication_slots = 10;'] },
  });
  expect((await examine(vault, 'other')).of('max_replication_slots').status).toBe('ok');

  for (let turn = 0; turn < 6; turn += 1) await pg.switchWal();
  await pg.query('checkpoint');
  await pg.waitFor(`select wal_status = 'lost' from pg_replication_slots`);
  const lost = (await examine(vault, 'other')).of('slot');
  expect(lost).toMatchObject({
    status: 'problem',
    what: 'it has lost the WAL that it kept (wal_removed)',
    remedy: {
      commands: [
        `walvault -c ${vault.configFile} receive-wal --drop-slot other`,
        `walvault -c ${vault.configFile} receive-wal --create-slot other`,
      ],
    },
  });
  await follow(lost, { pg, vault });
  expect((await examine(vault, 'other')).of('slot').status).toBe('ok');

  await vault.succeed('receive-wal', 'other');
  const taken = await examine(vault);
  expect(taken.findings.find(({ step, status }) => step === 'authentication' && status === 'problem')).toMatchObject({
    what: expect.stringContaining('max_wal_senders'),
  });
  expect(taken.of('max_wal_senders')).toMatchObject({
    status: 'problem',
    what: '1 of 1 in use',
    remedy: { words: expect.stringContaining('barman_receive_wal by process'), sql: ['ALTER SYSTEM SET max_wal_senders = 10;'] },
  });
  const ours = await examine(vault, 'other');
  expect([ours.of('max_wal_senders').status, ours.problems]).toEqual(['warning', []]);
  await vault.succeed('receive-wal', '--stop', 'other');
  await follow(taken.of('max_wal_senders'), { pg, vault });
  await follow(full.of('max_replication_slots'), { pg, vault });
  await pg.restart();
  const ready = await examine(vault);
  expect([ready.of('max_wal_senders'), ready.of('max_replication_slots')]).toMatchObject([{ status: 'ok' }, { status: 'ok' }]);
});
