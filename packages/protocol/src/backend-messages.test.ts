import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BackendMessage, BackendMessageParser } from './backend-messages.ts';
import { AuthenticationError, ProtocolViolationError } from './errors.ts';
import { maxMessageLength } from './frame-guard.ts';

/** Hex as in the protocol chapter and in captures of a real server, with what it must come to. */
const goldens: readonly (readonly [string, string, BackendMessage])[] = [
  ['AuthenticationOk', '52 00000008 00000000', { kind: 'authentication', request: { method: 'ok' } }],
  ['cleartext', '52 00000008 00000003', { kind: 'authentication', request: { method: 'cleartextPassword' } }],
  [
    'MD5',
    '52 0000000c 00000005 01020304',
    { kind: 'authentication', request: { method: 'md5Password', salt: Buffer.of(1, 2, 3, 4) } },
  ],
  [
    'SASL',
    '52 00000017 0000000a 534352414d2d5348412d323536 00 00',
    { kind: 'authentication', request: { method: 'sasl', mechanisms: ['SCRAM-SHA-256'] } },
  ],
  [
    'SASL with two mechanisms',
    '52 0000002a 0000000a 534352414d2d5348412d3235362d504c5553 00 534352414d2d5348412d323536 00 00',
    { kind: 'authentication', request: { method: 'sasl', mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] } },
  ],
  ['SASLContinue', '52 0000000b 0000000b 723d61', { kind: 'authentication', request: { method: 'saslContinue', data: 'r=a' } }],
  ['SASLFinal', '52 0000000b 0000000c 763d61', { kind: 'authentication', request: { method: 'saslFinal', data: 'v=a' } }],
  [
    'ParameterStatus',
    '53 00000019 7365727665725f76657273696f6e 00 31352e3230 00',
    { kind: 'parameterStatus', name: 'server_version', value: '15.20' },
  ],
  ['BackendKeyData', '4b 0000000c 0000004d 00000058', { kind: 'backendKeyData', processId: 77 }],
  ['ReadyForQuery', '5a 00000005 49', { kind: 'readyForQuery' }],
  [
    'RowDescription',
    '54 00000021 0001 6e6578745f746c69 00 00000000 0000 00000014 0008 ffffffff 0000',
    { kind: 'rowDescription', columns: ['next_tli'] },
  ],
  [
    'DataRow with NULL, empty and bytes that are no text',
    '44 00000014 0003 ffffffff 00000000 00000002 fffe',
    { kind: 'dataRow', values: [null, Buffer.alloc(0), Buffer.of(0xff, 0xfe)] },
  ],
  ['CommandComplete', '43 0000000b 434f5059203000', { kind: 'commandComplete', tag: 'COPY 0' }],
  ['CopyBothResponse', '57 00000007 00 0000', { kind: 'copyBothResponse' }],
  ['CopyDone', '63 00000004', { kind: 'copyDone' }],
  ['CopyData', '64 00000007 6b0102', { kind: 'copyData', data: Buffer.of(0x6b, 1, 2) }],
  ['ParseComplete', '31 00000004', { kind: 'acknowledgement' }],
  ['CopyOutResponse', '48 00000007 00 0000', { kind: 'other', name: 'copyOutResponse' }],
  [
    'ErrorResponse, translated severity and plain one',
    '45 0000001b 53 4645484c4552 00 56 4552524f52 00 43 3538503031 00 00',
    {
      kind: 'error',
      fields: new Map([
        ['S', 'FEHLER'],
        ['V', 'ERROR'],
        ['C', '58P01'],
      ]),
    },
  ],
  ['NoticeResponse', '4e 00000009 4d 6869 00 00', { kind: 'notice', fields: new Map([['M', 'hi']]) }],
];

/** Parses chunk by chunk, each behind the rest of the one before, and keeps what must be kept before the next chunk. */
function parseAll(chunks: readonly Buffer[]): BackendMessage[] {
  const parser = new BackendMessageParser();
  let rest: Buffer = Buffer.alloc(0);
  return chunks.flatMap((chunk) => {
    const parsed = parser.parse(Buffer.concat([rest, chunk]));
    rest = parsed.rest;
    return parsed.messages.map(keep);
  });
}

function keep(message: BackendMessage): BackendMessage {
  if (message.kind === 'unreadable') throw message.error;
  return message.kind === 'copyData' ? { kind: 'copyData', data: Buffer.from(message.data) } : message;
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

describe('messages from the server', () => {
  test.each(goldens)('%s is read', (_name, bytes, expected) => {
    expect(parseAll([hex(bytes)])).toEqual([expected]);
  });

  test.each(goldens)('%s is read when it comes one byte at a time', (_name, bytes, expected) => {
    expect(parseAll([...hex(bytes)].map((byte) => Buffer.of(byte)))).toEqual([expected]);
  });

  test('the same messages come out however the stream is cut into chunks', () => {
    const stream = Buffer.concat(goldens.map(([, bytes]) => hex(bytes)));
    const expected = goldens.map(([, , message]) => message);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: stream.length }), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        expect(parseAll(at.slice(1).map((end, index) => stream.subarray(at[index], end)))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('a large message that comes in many chunks is put together', () => {
    const data = Buffer.alloc(1_048_601, 0x5a);
    const whole = Buffer.concat([hex('64'), Buffer.alloc(4), data, hex('5a0000000549')]);
    whole.writeInt32BE(data.length + 4, 1);
    const chunks = Array.from({ length: Math.ceil(whole.length / 65_536) }, (_, i) =>
      whole.subarray(i * 65_536, (i + 1) * 65_536),
    );
    const [first, second] = parseAll(chunks);
    expect(first?.kind === 'copyData' && first.data.equals(data)).toBe(true);
    expect(second).toEqual({ kind: 'readyForQuery' });
  });

  test('rows and errors stay what they are when their bytes are overwritten; WAL is a view on them', () => {
    const bytes = hex('44 0000000c 0001 00000002 6162 45 00000009 4d 6869 00 00 64 00000005 61');
    const { messages, rest } = new BackendMessageParser().parse(bytes);
    bytes.fill(0x7a);
    expect(messages).toEqual([
      { kind: 'dataRow', values: [Buffer.from('ab')] },
      { kind: 'error', fields: new Map([['M', 'hi']]) },
      { kind: 'copyData', data: Buffer.from('z') },
    ]);
    expect(rest).toHaveLength(0);
  });

  test('what is not a whole message yet is given back', () => {
    const { messages, rest } = new BackendMessageParser().parse(hex('63 00000004 64 00000007 6b01'));
    expect(messages).toEqual([{ kind: 'copyDone' }]);
    expect(rest).toEqual(hex('64 00000007 6b01'));
  });
});

describe('bytes that are not the protocol', () => {
  const malformed: readonly (readonly [string, string])[] = [
    ['an unknown type', '00 00000004'],
    ['an offer of another version that is cut off', '76 00000006 0003'],
    ['an answer of an HTTP server', Buffer.from('HTTP/1.1 400 Bad Request\r\n').toString('hex')],
    ['a length that does not count itself', '5a 00000003 49'],
    ['ReadyForQuery of a wrong length', '5a 00000006 4949'],
    ['a cancel key that is longer than protocol 3.2 has them', `4b 0000010c 0000004d ${'00'.repeat(260)}`],
    ['an error without its end', '45 00000009 4d 6869 00 41'],
    ['an error that ends in a field', '45 00000007 4d6869'],
    ['an empty error', '45 00000004'],
    ['an error with bytes behind its end', '45 0000000b 4d 6869 00 00 6162'],
    ['a row that is too short for its columns', '44 00000008 0002 0000'],
    ['a row whose value is longer than the row', '44 0000000b 0001 00000002 61'],
    ['a row with a negative length', '44 0000000a 0001 fffffffe'],
    ['a row with bytes behind its columns', '44 0000000c 0001 00000001 6162'],
    ['a row without a count', '44 00000005 00'],
    ['a cleartext request with more in it', '52 0000000c 00000003 00000000'],
    ['an "ok" with more in it', '52 0000000c 00000000 00000000'],
    ['an authentication request without a code', '52 00000004'],
    ['an authentication request of no known kind', '52 00000008 00000063'],
    ['a list of mechanisms without its end', '52 0000000c 0000000a 61626300'],
    ['a parameter without its end', '53 00000008 61 00 6263'],
    ['a parameter without a value', '53 00000006 61 00'],
    ['a parameter with bytes behind its value', '53 0000000a 61 00 62 00 6364'],
    ['a command tag without its end', '43 00000007 434f50'],
    ['a column that is cut off', '54 0000000a 0001 6100 0000'],
    ['bytes behind the columns', '54 00000008 0000 0000'],
    ['a CopyBothResponse without columns', '57 00000005 00'],
    ['a CopyBothResponse of fewer columns than it says', '57 00000007 00 0001'],
    ['a notification without its end', '41 0000000a 00000001 6162'],
    ['more columns than there are', '54 00000006 7fff'],
  ];

  test.each(malformed)('%s is a violation', (_name, bytes) => {
    expect(() => parseAll([hex(bytes)])).toThrow(ProtocolViolationError);
    expect(() => parseAll([...hex(bytes)].map((byte) => Buffer.of(byte)))).toThrow(ProtocolViolationError);
  });

  test.each(malformed)('%s takes nothing away from what came before it', (_name, bytes) => {
    const { messages } = new BackendMessageParser().parse(Buffer.concat([hex('64 00000005 61 5a 00000005 49'), hex(bytes)]));
    expect(messages).toEqual([
      { kind: 'copyData', data: Buffer.from('a') },
      { kind: 'readyForQuery' },
      { kind: 'unreadable', error: expect.any(ProtocolViolationError) as unknown },
    ]);
  });

  test.each([
    [7, 'GSSAPI'],
    [9, 'SSPI'],
    [2, 'Kerberos V5'],
  ])('authentication method %i is refused by its name', (code, name) => {
    expect(() => parseAll([hex(`52 00000008 0000000${code}`)])).toThrow(
      expect.objectContaining({
        code: 'ERR_AUTHENTICATION',
        message: `the server asks for ${name} authentication, which is not supported`,
      }),
    );
  });

  test('a message over the limit is refused at its header, before any of it is kept', () => {
    const header = Buffer.alloc(5, 0x64);
    header.writeUInt32BE(maxMessageLength + 1, 1);
    expect(() => parseAll([header])).toThrow(/impossible length 67108865/);
    header.writeUInt32BE(maxMessageLength, 1);
    expect(parseAll([header])).toEqual([]);
    expect(() => parseAll([hex('53 00007531')])).toThrow(/type "S" with impossible length 30001/);
  });

  test('each type byte that no server sends is refused at the header', () => {
    const known = Buffer.from('RSKZCcWTDdENAGHInsv123t');
    for (let type = 0; type < 256; type += 1) {
      const header = Buffer.of(type, 0, 0, 0, 0xff);
      if (!known.includes(type)) expect(() => parseAll([header])).toThrow(/message of unknown type/);
    }
  });

  test('whatever comes, the parser ends with messages or a typed error', () => {
    const type = fc.constantFrom(...Buffer.from('RSKZCcWTDdENA123nsvItGH'));
    const message = fc
      .tuple(type, fc.integer({ min: 0, max: 40 }), fc.uint8Array({ maxLength: 40 }))
      .map(([code, length, body]) => {
        return Buffer.from([code, 0, 0, 0, length, ...body]);
      });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        try {
          parseAll(messages);
        } catch (error) {
          if (!(error instanceof ProtocolViolationError || error instanceof AuthenticationError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
