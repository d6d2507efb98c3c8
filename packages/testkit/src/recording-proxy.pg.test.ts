import { Client } from 'pg';
import { expect, test } from 'vitest';
import { recordingProxy, startCluster } from './index.ts';

/** A walsender's client that says one thing and leaves. */
async function streamAndReport(port: number, report: readonly bigint[]): Promise<void> {
  const options = { host: '127.0.0.1', port, user: 'postgres', database: 'postgres', replication: 'true' };
  const client = new Client(options);
  client.on('error', () => undefined);
  await client.connect();
  const wire = client as unknown as {
    connection: NodeJS.EventEmitter & { sendCopyFromChunk(bytes: Buffer): void; endCopyFrom(): void };
  };
  const message = Buffer.alloc(34);
  message.write('r');
  for (const [index, lsn] of report.entries()) message.writeBigUInt64BE(lsn, 1 + 8 * index);
  message[33] = 1;
  wire.connection.once('replicationStart', () => {
    wire.connection.sendCopyFromChunk(message);
    wire.connection.endCopyFrom();
  });
  await client.query('START_REPLICATION 0/1000000 TIMELINE 1');
  await client.end();
}

test('what a receiver says is written down, on every connection, and reaches the server it is meant for', async () => {
  await using pg = await startCluster();
  await using other = await startCluster();
  await using proxy = await recordingProxy({ target: pg });
  await streamAndReport(proxy.port, [0x1000010n, 0x1000008n, 0n]);
  proxy.retarget(other);
  await streamAndReport(proxy.port, [0x1000020n, 0x1000018n, 0n]);
  expect(proxy.reports).toMatchObject([
    { connection: 1, writeLsn: 0x1000010n, flushLsn: 0x1000008n, applyLsn: 0n, replyRequested: true },
    { connection: 2, writeLsn: 0x1000020n, flushLsn: 0x1000018n },
  ]);
  expect(proxy.reports[0]!.bytesFromServer).toBeGreaterThan(100);
  expect(proxy.commands).toEqual(['START_REPLICATION 0/1000000 TIMELINE 1', 'START_REPLICATION 0/1000000 TIMELINE 1']);
  expect(await pg.log()).toContain('START_REPLICATION');
  expect(await other.log()).toContain('START_REPLICATION');
});
