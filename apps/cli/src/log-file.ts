/**
 * A log file that other programs may rotate: before each line it is looked whether the name still leads to the file that is open, as
 * Barman's WatchedFileHandler does, and the file is opened anew by its name when it does not.
 */
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const mode = 0o640;

/** Where pino writes its lines. Nothing here throws: a full disk under the log must not end the receiving of WAL. */
export class LogFile {
  readonly #path: string;
  #fd: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.reopen();
  }

  /** Appends a line at once, so that the last one before a crash is there. */
  write(line: string): void {
    if (!this.#isOpenByName()) this.reopen();
    if (this.#fd === undefined) return;
    try {
      for (let bytes = Buffer.from(line); bytes.length > 0; bytes = bytes.subarray(writeSync(this.#fd, bytes)));
    } catch {
      // this line is lost; the next one may find room
    }
  }

  /** Opens the file anew by its name. The old one stays open where that fails: it takes the lines until it works. */
  reopen(): void {
    const before = this.#fd;
    try {
      makeDirectories(dirname(this.#path));
      this.#fd = openSync(this.#path, 'a', mode);
    } catch {
      return;
    }
    if (before !== undefined) closeSync(before);
  }

  #isOpenByName(): boolean {
    if (this.#fd === undefined) return false;
    try {
      const [open, named] = [fstatSync(this.#fd), statSync(this.#path, { throwIfNoEntry: false })];
      return named !== undefined && named.ino === open.ino && named.dev === open.dev;
    } catch {
      return true; // it cannot be told: go on with what is open
    }
  }
}

/** One after the other: Node's `recursive` tries for ever where a file system has no directory and makes none, as an automounter may. */
function makeDirectories(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeDirectories(dirname(path));
  mkdirSync(path);
}
