/** A whole session comes to the same however its bytes are cut on the way, and whatever comes between its messages. */
import { backend } from '@walvault/testkit';
import { expect, test } from 'vitest';
import type { TestParameters } from './parameters.test-support.ts';
import { connect, serveOver, transports } from './streaming.test-support.ts';
import { cycle, expected, play, runCycle, type Send, startup, type Steps, whole } from './whole-session.test-support.ts';

const byteByByte: Send = (client, bytes) => client.sendInPieces(bytes);

const cutAt =
  (cut: number): Send =>
  async (client, bytes, offset) => {
    if (cut > offset && cut < offset + bytes.length) await client.sendCut(bytes, cut - offset);
    else client.send(bytes);
  };

/** A cut behind each byte, except where a step ends anyway. */
function cutsOf(steps: Steps): number[] {
  const ends = new Set<number>();
  let length = 0;
  for (const [, bytes] of steps) ends.add((length += bytes.length));
  return Array.from({ length: length - 1 }, (_, index) => index + 1).filter((cut) => !ends.has(cut));
}

test.each(transports)('a session over %s that is cut in two at any byte of the startup', async (transport) => {
  const cuts = cutsOf(startup);
  await using line = await serveOver(transport, async (client) => {
    await play(client, startup, cutAt(cuts[client.number - 1]!));
    await client.expect('X');
  });
  for (let accepted = 1; accepted <= cuts.length; accepted += 1) {
    await using connection = await connect({ ...line.reach, password: 'secret' });
    expect(line.server.accepted).toBe(accepted);
    expect([connection.serverVersion, connection.parameterStatus.get('in_hot_standby')]).toEqual([180_004, 'on']);
  }
  expect(cuts.length).toBeGreaterThan(100);
});

test.each(transports)('a session over %s that is cut in two at any byte of commands and streams', async (transport) => {
  const cuts = cutsOf(cycle);
  await using line = await serveOver(transport, async (client) => {
    await play(client, startup, whole);
    for (const cut of cuts) await play(client, cycle, cutAt(cut));
    await client.expect('X');
  });
  await using connection = await connect({ ...line.reach, password: 'secret' });
  for (const cut of cuts) expect(await runCycle(connection), `cut at ${cut}`).toEqual(expected);
  expect(cuts.length).toBeGreaterThan(800);
});

test.each(transports)('a session over %s that comes one byte at a time', async (transport) => {
  await using line = await serveOver(transport, async (client) => {
    await play(client, startup, byteByByte);
    await play(client, cycle, byteByByte);
    await client.expect('X');
  });
  await using connection = await connect({ ...line.reach, password: 'secret' });
  expect(await runCycle(connection)).toEqual(expected);
});

test('a session with a notice and a parameter before each of its messages', async () => {
  const aside = Buffer.concat([backend.noticeResponse({ V: 'LOG', M: 'by the way' }), backend.parameterStatus('a', 'b')]);
  const between: Send = async (client, bytes) => client.send(...messagesOf(bytes).flatMap((message) => [aside, message]), aside);
  await using line = await serveOver('TCP', async (client) => {
    await play(client, startup, between);
    await play(client, cycle, between);
    await client.expect('X');
  });
  await using connection = await connect({ ...line.reach, password: 'secret' });
  expect(await runCycle(connection)).toEqual(expected);
  expect(connection.parameterStatus.get('a')).toBe('b');
});

class BrokenOff extends Error {}

/** Says everything up to a place in the session, and then no more. */
const breakAt =
  (place: number, isReset: boolean): Send =>
  async (client, bytes, offset) => {
    client.send(bytes.subarray(0, Math.max(place - offset, 0)));
    if (place > offset + bytes.length) return;
    if (isReset) client.reset();
    throw new BrokenOff();
  };

test.each(['RST', 'an ordinary end'])('a session that %s breaks off, behind or within any message, is lost', async (kind) => {
  const steps: Steps = [...startup, ...cycle];
  const places = placesOf(steps.flatMap(([, bytes]) => messagesOf(bytes)));
  await using line = await serveOver('TCP', async (client) => {
    const send = breakAt(places[client.number - 1]!, kind === 'RST');
    await play(client, steps, send).catch((caught: unknown) => {
      if (!(caught instanceof BrokenOff)) throw caught;
    });
    return 'leave' as const;
  });
  for (const place of places) {
    const session = runToTheEnd(line.reach);
    await expect(session, `broken off at ${place}`).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', retry: 'retry' });
  }
  expect(line.server.accepted).toBe(places.length);
});

async function runToTheEnd(reach: TestParameters): Promise<void> {
  await using connection = await connect({ ...reach, password: 'secret' });
  await runCycle(connection);
  await connection.identifySystem();
}

/** In the header of each message, in its middle, and behind it. */
function placesOf(messages: readonly Buffer[]): number[] {
  let begin = 0;
  return messages.flatMap(({ length }) => {
    begin += length;
    return [begin - length + 3, begin - Math.floor((length - 5) / 2), begin];
  });
}

/** The messages that some bytes are. */
function messagesOf(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    messages.push(bytes.subarray(at, end));
    at = end;
  }
  return messages;
}
