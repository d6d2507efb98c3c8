/** A fast server and a slow reader: nothing piles up here, nothing is lost, and nothing stays behind. */
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { crc32 } from 'node:zlib';
import { backend, type ScriptedConnection } from '@walvault/testkit';
import { describe, expect, test } from 'vitest';
import type { ReplicationMessage } from './replication-messages.ts';
import { streaming, transports } from './streaming.test-support.ts';

const mebibyte = 1024 * 1024;
const dataLength = 131_072;

/** Messages as large as a walsender's, each with other bytes in it, and odd ones between them. */
const pieces: readonly Buffer[] = Array.from({ length: 8 }, (_, index) => {
  const data = Buffer.alloc(index === 5 ? 1000 : dataLength);
  for (let at = 0; at < data.length; at += 1) data[at] = (at * (2 * index + 3) + (at >> 8)) & 0xff;
  return backend.walData(BigInt(index), 0n, data);
});

/** So many bytes of them, from the same few buffers. */
function* flood(bytes: number): Generator<Buffer> {
  for (let sent = 0, index = 0; sent < bytes; index += 1) {
    const piece = pieces[index % pieces.length]!;
    sent += piece.length;
    yield piece;
  }
}

/** What WAL comes to: its length and checksum. */
class Sum {
  bytes = 0;
  crc = 0;

  take(message: ReplicationMessage): void {
    if (message.kind === 'walData') this.add(message.data);
  }

  add(data: Buffer): void {
    this.bytes += data.length;
    this.crc = crc32(data, this.crc);
  }

  static of(messages: Iterable<Buffer>): Sum {
    const sum = new Sum();
    for (const message of messages) sum.add(message.subarray(30));
    return sum;
  }
}

describe.each(transports)('over %s', (transport) => {
  test('a reader who stops holds the server back, and then gets every byte', async () => {
    const total = 160 * mebibyte;
    const server = Promise.withResolvers<ScriptedConnection>();
    await using running = await streaming(
      async (client) => {
        server.resolve(client);
        await client.sendAll(flood(total));
        client.send(backend.commandComplete('COPY 0'));
      },
      { transport },
    );
    const client = await server.promise;
    const sum = new Sum();
    let isFirst = true;
    for await (const batch of running.stream) {
      batch.forEach((message) => sum.take(message));
      if (!isFirst) continue;
      isFirst = false;
      let before = -1;
      while (before !== client.sentBytes) {
        before = client.sentBytes;
        await delay(100);
      }
      // Two buffers of ours; the rest is in the buffers of the kernel, which are some megabytes.
      expect(before).toBeLessThan(48 * mebibyte);
    }
    expect(sum).toEqual(Sum.of(flood(total)));
  });
});

/** More than one for a longer look: `WALVAULT_FLOW_GIB=10 vitest run src/wire-flow.test.ts`. */
const flowGibibytes = Number(process.env['WALVAULT_FLOW_GIB'] ?? 1);
const flowTimeoutMs = 60_000 + 10_000 * flowGibibytes;

test('memory stays flat while gigabytes go through, with a reader who stops now and then', {
  timeout: flowTimeoutMs,
}, async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const total = flowGibibytes * 1024 * mebibyte;
  await using running = await streaming(async (client) => {
    await client.sendAll(flood(total));
    client.send(backend.commandComplete('COPY 0'));
  });
  const held = (): number => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  let received = 0;
  let batches = 0;
  let early: { held: number; rss: number } | undefined;
  for await (const batch of running.stream) {
    for (const message of batch) if (message.kind === 'walData') received += message.data.length;
    if ((batches += 1) % 200 === 0) await delay(5);
    if (early === undefined && received > total / 4) early = { held: held(), rss: process.memoryUsage().rss };
  }
  let sent = 0;
  for (const piece of flood(total)) sent += piece.length - 30;
  expect(received).toBe(sent);
  expect(held() - early!.held).toBeLessThan(4 * mebibyte);
  expect(process.memoryUsage().rss - early!.rss).toBeLessThan(64 * mebibyte);
});
