/** The thread that takes checksums: see content-hasher.ts. */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';

/** What it is sent: the memory of a block, before its first use; a block by its number, and how many bytes of it count; the end of a content. */
export type ToHashThread =
  | { readonly block: number; readonly memory: SharedArrayBuffer }
  | readonly [block: number, length: number]
  | 'digest';

/** What it sends: the number of a block that is used up, or a checksum in hexadecimal. */
export type FromHashThread = number | string;

const blocks: Buffer[] = [];
let hash = createHash('sha256');

parentPort?.on('message', (message: ToHashThread) => {
  if (message === 'digest') {
    say(hash.digest('hex'));
    hash = createHash('sha256');
  } else if ('memory' in message) {
    blocks[message.block] = Buffer.from(message.memory);
  } else {
    const [block, length] = message;
    hash.update((blocks[block] as Buffer).subarray(0, length));
    say(block);
  }
});

function say(message: FromHashThread): void {
  parentPort?.postMessage(message, []);
}
