/** Whatever bytes come: messages, or a typed error; nothing read beyond its end; and the same however the bytes are cut. */
import { setTimeout as delay } from 'node:timers/promises';
import { backend, backendMessage } from '@walvault/testkit';
import { formatLsn, parseLsn, WalvaultError } from '@walvault/wal';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BackendMessage, BackendMessageParser } from './backend-messages.ts';
import { parseSystemIdentifier, parseTimelineId } from './command-values.ts';
import { AuthenticationError, ProtocolViolationError } from './errors.ts';
import { decodeAuthenticationRequest, decodeDataRow, decodeServerMessage } from './message-bodies.ts';
import { decodeReplicationMessage } from './replication-messages.ts';
import type { TestParameters } from './parameters.test-support.ts';
import { ScramClient } from './scram.ts';
import { ServerError } from './server-error.ts';
import { connect, serveOver } from './streaming.test-support.ts';
import { cycle, play, runCycle, type Send, startup, type Steps } from './whole-session.test-support.ts';

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((value) => value.replaceAll('\0', ''));
const cell = fc.option(
  fc.oneof(
    text,
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  ),
  { nil: null },
);
const report = fc.dictionary(fc.constantFrom('S', 'V', 'C', 'M', 'D', 'H', 'P', 'W', 'F', 'L', 'R'), text);

/** A message that a server may send. */
const validMessage: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constantFrom(backend.authenticationOk(), backend.authenticationCleartextPassword(), backend.copyDone()),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((salt) => backend.authenticationMd5Password(Buffer.from(salt))),
  fc
    .array(
      text.filter((name) => name !== ''),
      { minLength: 1, maxLength: 3 },
    )
    .map(backend.authenticationSasl),
  text.map(backend.authenticationSaslContinue),
  text.map(backend.authenticationSaslFinal),
  fc.tuple(text, text).map(([name, value]) => backend.parameterStatus(name, value)),
  fc.constantFrom(backend.backendKeyData(1, 2), backend.readyForQuery(), backend.copyBothResponse(), backend.copyOutResponse()),
  fc.array(text, { maxLength: 4 }).map(backend.rowDescription),
  fc.array(cell, { maxLength: 4 }).map((cells) => backend.dataRow(cells as string[])),
  text.map(backend.commandComplete),
  report.map(backend.errorResponse),
  report.map(backend.noticeResponse),
  fc.tuple(text, text).map(([channel, payload]) => backendMessage('A', Buffer.from(`\0\0\0\x01${channel}\0${payload}\0`))),
  fc.uint8Array({ maxLength: 60 }).map((data) => backend.copyData(Buffer.from(data))),
  fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.boolean()).map(([end, reply]) => backend.keepalive(end, reply)),
);

const validStream = fc.array(validMessage, { maxLength: 12 }).map((messages) => Buffer.concat(messages));

/** A place in some bytes, as a part of their length, each as likely as the other (which `fc.double` is not). */
const anyPlace = fc.integer({ min: 0, max: 99_999 }).map((place) => place / 100_000);

/** Changes to some bytes: where and what. */
const changes = fc.array(
  fc.record({
    place: anyPlace,
    kind: fc.constantFrom('set', 'insert', 'remove', 'cut'),
    byte: fc.oneof(fc.constantFrom(0, 1, 4, 5, 0x7f, 0x80, 0xff), fc.integer({ min: 0, max: 255 })),
  }),
  { minLength: 1, maxLength: 4 },
);

type Changes = typeof changes extends fc.Arbitrary<infer T> ? T : never;

function change(bytes: Buffer, list: Changes): Buffer {
  return list.reduce((result: Buffer, { place, kind, byte }) => {
    const at = Math.floor(place * result.length);
    if (kind === 'cut') return result.subarray(0, at);
    const [added, from] = { set: [[byte], at + 1], insert: [[byte], at], remove: [[], at + 1] }[kind] as [number[], number];
    return Buffer.concat([result.subarray(0, at), Buffer.from(added), result.subarray(from)]);
  }, bytes);
}

/** A message whose header is right and whose body is not, where it can be seen. */
const spoiledMessage = fc
  .tuple(validMessage, fc.array(fc.tuple(anyPlace, fc.integer({ min: 0, max: 255 })), { maxLength: 3 }))
  .map(([message, list]) => {
    const spoiled = Buffer.from(message);
    for (const [place, byte] of list) if (spoiled.length > 5) spoiled[5 + Math.floor(place * (spoiled.length - 5))] = byte;
    return spoiled;
  });
const spoiledStream = fc.array(spoiledMessage, { minLength: 1, maxLength: 4 }).map((messages) => Buffer.concat(messages));

const changedStream = fc.tuple(validStream, changes).map(([bytes, list]) => change(bytes, list));
const anyStream = fc.oneof(
  validStream,
  changedStream,
  spoiledStream,
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

/** What some chunks come to, up to the first thing that cannot be read; the bytes left over are the last entry. */
function read(chunks: readonly Buffer[]): (BackendMessage | string)[] {
  const parser = new BackendMessageParser();
  const seen: (BackendMessage | string)[] = [];
  let rest: Buffer = Buffer.alloc(0);
  for (const chunk of chunks) {
    const parsed = parser.parse(Buffer.concat([rest, chunk]));
    rest = parsed.rest;
    for (const message of parsed.messages) {
      if (message.kind !== 'unreadable') {
        seen.push(message.kind === 'copyData' ? { kind: 'copyData', data: Buffer.from(message.data) } : message);
        continue;
      }
      expect(message.error).toBeInstanceOf(WalvaultError);
      return [...seen, String(message.error)];
    }
  }
  return [...seen, rest.toString('hex')];
}

describe('the parser', () => {
  test('reads every valid stream to its end', () => {
    fc.assert(
      fc.property(fc.array(validMessage, { maxLength: 12 }), (messages) => {
        const seen = read([Buffer.concat(messages)]);
        expect([seen.length, seen.at(-1)]).toEqual([messages.length + 1, '']);
      }),
      { numRuns: 500 },
    );
  });

  test('comes to the same for any bytes, however they are cut', () => {
    fc.assert(
      fc.property(anyStream, fc.array(anyPlace, { maxLength: 6 }), (bytes, places) => {
        const at = [0, ...places.map((place) => Math.floor(place * bytes.length)).toSorted((a, b) => a - b), bytes.length];
        const whole = read([bytes]);
        expect(read(at.slice(1).map((end, index) => bytes.subarray(at[index], end)))).toEqual(whole);
        expect(read([...bytes].map((byte) => Buffer.of(byte)))).toEqual(whole);
      }),
      { numRuns: 1000 },
    );
  });

  test('reads no message beyond its end: what follows changes nothing in it', () => {
    fc.assert(
      fc.property(anyStream, fc.oneof(anyStream, fc.constant(backend.copyDone())), (bytes, behind) => {
        const alone = read([bytes]).slice(0, -1);
        expect(read([Buffer.concat([bytes, behind])]).slice(0, alone.length)).toEqual(alone);
      }),
      { numRuns: 2000 },
    );
  });

  test('keeps no more than the message that has begun', () => {
    fc.assert(
      fc.property(anyStream, (bytes) => {
        const { messages, rest } = new BackendMessageParser().parse(bytes);
        if (messages.at(-1)?.kind === 'unreadable' || rest.length < 5) return;
        expect(rest.length).toBeLessThan(1 + rest.readUInt32BE(1));
      }),
      { numRuns: 1000 },
    );
  });
});

/** Passes what is thrown on unless it is typed. */
function typed<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (caught) {
    if (!(caught instanceof ProtocolViolationError || caught instanceof AuthenticationError)) throw caught;
    return undefined;
  }
}

describe('decoders', () => {
  const anyBody = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(validMessage, changes).map(([message, list]) => change(message.subarray(5), list)),
  );

  test('of message bodies give what is in the body, or a typed error', () => {
    fc.assert(
      fc.property(anyBody, (body) => {
        typed(() => decodeAuthenticationRequest(body));
        const fields = typed(() => decodeServerMessage(body));
        if (fields !== undefined) {
          expect([...fields.values()].join('').length).toBeLessThanOrEqual(body.length);
          expect(new ServerError(fields).message).not.toMatch(/[\r\n]/);
        }
        const row = typed(() => decodeDataRow(body));
        if (row !== undefined) expect(backend.dataRow(row as unknown as string[]).subarray(5)).toEqual(body);
      }),
      { numRuns: 2000 },
    );
  });

  test('of replication messages give a view on the payload, or a typed error', () => {
    const payload = fc.oneof(
      anyBody,
      fc
        .tuple(fc.constantFrom('w', 'k'), fc.uint8Array({ maxLength: 60 }))
        .map(([kind, bytes]) => Buffer.from([kind.charCodeAt(0), ...bytes])),
    );
    fc.assert(
      fc.property(payload, (bytes) => {
        const message = typed(() => decodeReplicationMessage(bytes));
        if (message?.kind !== 'walData') return;
        expect(message.data).toHaveLength(bytes.length - 25);
        expect(message.data.buffer).toBe(bytes.buffer);
        expect(message.dataStart + BigInt(message.data.length)).toBeLessThan(2n ** 64n);
      }),
      { numRuns: 2000 },
    );
  });

  test('of numbers and LSNs give what is written, or a typed error', () => {
    const digits = fc.stringMatching(/^[0-9]{1,21}$/);
    const written = fc.oneof(text, digits, fc.stringMatching(/^[-+ ]?(0x)?[0-9a-f.eE]{0,12}(\/[0-9a-fA-F]{0,9})?[ \n]?$/));
    fc.assert(
      fc.property(written, (value) => {
        const plain = value.replace(/^0+(?=.)/, '');
        for (const parse of [parseTimelineId, parseSystemIdentifier, parseLsn]) {
          try {
            const parsed = parse(value);
            if (parse === parseLsn)
              expect(formatLsn(parsed as ReturnType<typeof parseLsn>)).toMatch(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
            else expect(String(parsed)).toBe(plain);
          } catch (caught) {
            if (!WalvaultError.is(caught)) throw caught;
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('of SCRAM messages take nothing but the one right answer', async () => {
    const serverFirst = fc.oneof(
      text,
      fc
        .tuple(text, text, fc.integer({ min: -1, max: 3 }))
        .map(([nonce, salt, rounds]) => `r=client${nonce},s=${btoa(encodeURI(salt))},i=${rounds}`),
    );
    const serverFinal = fc.oneof(
      text,
      text.map((value) => `v=${btoa(encodeURI(value))}`),
      text.map((value) => `e=${value}`),
    );
    await fc.assert(
      fc.asyncProperty(serverFirst, serverFinal, async (first, final) => {
        const client = new ScramClient({
          password: 'p',
          binding: { gs2Header: 'n,,', data: Buffer.alloc(0) },
          clientNonce: 'client',
        });
        try {
          expect(await client.clientFinal(first)).toMatch(/^c=biws,r=client.+,p=/s);
        } catch (caught) {
          if (!(caught instanceof AuthenticationError)) throw caught;
        }
        expect(() => client.verifyServer(final)).toThrow(AuthenticationError);
      }),
      { numRuns: 500 },
    );
  });
});

test('whole sessions in which some bytes are wrong come to their end: right, or with a typed error', async () => {
  const steps: Steps = [...startup, ...cycle];
  const right = Buffer.concat(steps.map(([, bytes]) => bytes));
  let variants: readonly Buffer[] = [];
  // The script of a server whose client is gone, or says something else than expected, has nothing to say any more; and one
  // whose client waits for more in good faith does not stay for ever.
  await using line = await serveOver('TCP', async (client) => {
    const said = variants[client.number % variants.length]!;
    const sendChanged: Send = async (to, bytes, offset) => to.send(said.subarray(offset, offset + bytes.length));
    await Promise.race([play(client, steps, sendChanged).catch(() => {}), delay(50)]);
    return 'leave' as const;
  });
  await fc.assert(
    fc.asyncProperty(fc.array(changes, { minLength: 20, maxLength: 20 }), async (lists) => {
      variants = lists.map((list) => change(right, list));
      const outcomes = await Promise.allSettled(lists.map(() => runSession(line.reach)));
      for (const outcome of outcomes)
        if (outcome.status === 'rejected' && !WalvaultError.is(outcome.reason)) throw outcome.reason;
    }),
    { numRuns: 20 },
  );
});

async function runSession(reach: TestParameters): Promise<string[]> {
  await using connection = await connect({ ...reach, password: 'secret', connectTimeoutMs: 2000 }, { answerTimeoutMs: 2000 });
  return await runCycle(connection);
}
