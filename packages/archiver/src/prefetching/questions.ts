/** What restore-wal was asked for and did not find ready, as it leaves word in the spool. */
import { readFile, stat } from 'node:fs/promises';
import { errnoOf, fileSystemError } from '@walvault/durable-fs';
import { tryParseWalFileName, type WalFileName } from '@walvault/wal';
import { goAway, type Spool } from './spool.ts';

/** Notices each question once. */
export class Questions {
  readonly #path: string;
  #seen = '';

  constructor(spool: Spool) {
    this.#path = spool.askedPath;
  }

  /**
   * The file that was asked for since the last time, if any was; the first time that which was asked for before the prefetcher came. The
   * same name asked for again is a new question: the server was started again. Or that its room is needed.
   * @throws {FileSystemError}
   */
  async next(): Promise<WalFileName | typeof goAway | undefined> {
    try {
      // A question is a new file each time.
      const { ino, mtimeNs } = await stat(this.#path, { bigint: true });
      if (`${ino} ${mtimeNs}` === this.#seen) return undefined;
      this.#seen = `${ino} ${mtimeNs}`;
      const asked = (await readFile(this.#path, 'utf8')).trim();
      return asked === goAway ? goAway : tryParseWalFileName(asked);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw fileSystemError('read', this.#path, error);
    }
  }
}
