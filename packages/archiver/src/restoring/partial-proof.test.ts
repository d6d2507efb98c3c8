import { pieces } from '@walvault/wal/testing';
import { parseWalFileName } from '@walvault/wal';
import { expect, test } from 'vitest';
import { segmentName, walFile } from '../../testing.ts';
import { WalFileError } from '../errors.ts';
import type { SegmentFileName } from '../wal-files/layout.ts';
import { PartialProof } from './partial-proof.ts';

const name = segmentName(1, 1);
const wal = walFile(name);

function prove(chunks: Iterable<Buffer>, wanted = name): void {
  const proof = new PartialProof(parseWalFileName(wanted) as SegmentFileName, {}, '/streaming/x.partial');
  for (const chunk of chunks) proof.take(chunk);
  proof.finish();
}

/** The beginning of the segment, with zeros behind it as far as the segment goes. */
function upTo(end: number): Buffer {
  const content = Buffer.alloc(wal.length);
  wal.copy(content, 0, 0, end);
  return content;
}

test('the beginning of a segment is right wherever it ends, filled up or not, in chunks of any size', () => {
  for (const end of [40, 8192, 20_001, 50_000, wal.length]) {
    prove([upTo(end)]);
    prove([wal.subarray(0, end)], `${name}.partial`);
    prove(pieces(upTo(end), 3, 5000));
  }
});

test('a wrong bit with WAL behind it is damage, and the message says where', () => {
  const damaged = upTo(50_000);
  damaged[20_000]! ^= 4;
  expect(() => prove([damaged])).toThrow(/is damaged: the (record|page) at 0\/1[0-9A-F]{5} is not right: /);
  expect(() => prove(pieces(damaged, 3, 5000))).toThrow(WalFileError);
});

test('a page that was lost is damage, too, and no end', () => {
  const damaged = upTo(50_000);
  damaged.fill(0, 16_384, 16_384 + 8192);
  expect(() => prove([damaged])).toThrow(/is damaged/);
});

test('what a server had in a file that it uses again is the end', () => {
  const content = upTo(49_152);
  walFile(segmentName(1, 9)).copy(content, 49_152, 49_152);
  prove([content]);
});
