import { parseLsn, toLsn } from '@walvault/wal';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolViolationError } from './errors.ts';
import { decodeReplicationMessage } from './replication-messages.ts';
import { encodeStandbyStatus } from './standby-status.ts';

const lsn = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
/** 2026-01-02 03:04:05.678901 UTC, and the same on PostgreSQL's clock. */
const unixUs = 1_767_323_045_678_901;
const wireTime = '0002ea5d bb1f6f35';

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

describe('messages of the WAL stream', () => {
  test('WALData names its first byte, the end on the server, the time, and holds the WAL as a view', () => {
    const payload = hex(`77 00000001 02000000 00000001 0200a8b0 ${wireTime} d116 0700`);
    const message = decodeReplicationMessage(payload);
    expect(message).toEqual({
      kind: 'walData',
      dataStart: parseLsn('1/2000000'),
      walEnd: parseLsn('1/200A8B0'),
      sendTimeUs: unixUs,
      data: hex('d1160700'),
    });
    payload[25] = 0;
    expect(message.kind === 'walData' && message.data[0]).toBe(0);
  });

  test.each([
    ['00', false],
    ['01', true],
  ])('a keepalive with last byte %s has replyRequested %s', (flag, replyRequested) => {
    expect(decodeReplicationMessage(hex(`6b 00000000 03000148 ${wireTime} ${flag}`))).toEqual({
      kind: 'primaryKeepalive',
      walEnd: parseLsn('0/3000148'),
      sendTimeUs: unixUs,
      replyRequested,
    });
  });

  test('WALData without bytes is allowed, WALData without a whole header is not', () => {
    const header = hex(`77 0000000000000001 0000000000000001 ${wireTime}`);
    expect(decodeReplicationMessage(header)).toMatchObject({ kind: 'walData', data: Buffer.alloc(0) });
    expect(() => decodeReplicationMessage(header.subarray(0, 24))).toThrow(ProtocolViolationError);
  });

  test.each([
    ['nothing', ''],
    ['an unknown kind', '73 00'],
    ['a keepalive that is too short', `6b 0000000000000000 ${wireTime}`],
    ['a keepalive that is too long', `6b 0000000000000000 ${wireTime} 0000`],
    ['WAL beyond the last LSN', `77 ffffffff ffffffff 0000000000000000 ${wireTime} 00`],
  ])('%s is a violation', (_name, payload) => {
    expect(() => decodeReplicationMessage(hex(payload))).toThrow(ProtocolViolationError);
  });

  test('any LSN and any bytes come out as they went in', () => {
    fc.assert(
      fc.property(lsn, lsn, fc.uint8Array({ maxLength: 64 }), (start, walEnd, bytes) => {
        fc.pre(start + BigInt(bytes.length) <= 0xffff_ffff_ffff_ffffn);
        const payload = Buffer.concat([Buffer.alloc(25, 'w'), bytes]);
        payload.writeBigUInt64BE(start, 1);
        payload.writeBigUInt64BE(walEnd, 9);
        expect(decodeReplicationMessage(payload)).toMatchObject({ dataStart: start, walEnd, data: Buffer.from(bytes) });
      }),
    );
  });
});

describe('the standby status update', () => {
  const status = { writeLsn: parseLsn('1/2000000'), flushLsn: parseLsn('1/1FFFF00'), applyLsn: toLsn(0) };

  test('has the bytes that the protocol chapter says', () => {
    const expected = hex(`64 00000026 72 00000001 02000000 00000001 01ffff00 0000000000000000 ${wireTime} 00`);
    expect(encodeStandbyStatus(status, unixUs)).toEqual(expected);
  });

  test('asks for a reply with its last byte alone', () => {
    const asking = encodeStandbyStatus({ ...status, replyRequested: true }, unixUs);
    const silent = encodeStandbyStatus(status, unixUs);
    expect(asking[38]).toBe(1);
    expect(asking.subarray(0, 38)).toEqual(silent.subarray(0, 38));
  });

  test('takes any LSN', () => {
    fc.assert(
      fc.property(lsn, (value) => {
        const message = encodeStandbyStatus({ writeLsn: toLsn(value), flushLsn: toLsn(value), applyLsn: toLsn(value) }, unixUs);
        expect([6, 14, 22].map((at) => message.readBigUInt64BE(at))).toEqual([value, value, value]);
      }),
    );
  });
});
