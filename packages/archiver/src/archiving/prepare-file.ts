/**
 * The first step of a file on its way into the archive: it is looked at, and compared with what the archive has of that name.
 * Nothing is changed, but that a damaged copy in the archive makes room.
 */
import { join } from 'node:path';
import { FileSystemError } from '@walvault/durable-fs';
import type { WalFileName } from '@walvault/wal';
import type { CustomFilters } from '../content/codec.ts';
import { ContentFile } from '../content/content.ts';
import type { WalFileError } from '../errors.ts';
import { archivePath, isSegmentFile } from '../wal-files/layout.ts';
import { compareWithArchive } from './compare-with-archive.ts';
import { type Examination, examineFile } from './examine-file.ts';
import { runPreHooks } from './archive-hooks.ts';
import { isUnchanged } from './is-unchanged.ts';
import type { PassContext, Source } from './pass-context.ts';
import type { Seams } from './seams.ts';

/** What is to be done with a file. */
export type Decision =
  | { readonly kind: 'place' | 'duplicate' | 'conflict' | 'blank' }
  | { readonly kind: 'invalid'; readonly error: WalFileError };

/** A file that has been looked at. Whoever has it disposes of `file`. */
export interface PreparedFile extends Omit<Examination, 'error'> {
  readonly name: WalFileName;
  readonly source: Source;
  /** Open. */
  readonly file: ContentFile;
  /** Path in the archive. */
  readonly destination: string;
  readonly decision: Decision;
}

/** `gone`: it is not there any more; `unfinished`: it may still be on its way; `stop`: a script ends the pass. */
export type Preparation = PreparedFile | 'gone' | 'unfinished' | 'stop';

/** A file that was looked at. */
interface SeenFile {
  readonly file: ContentFile;
  readonly found: Examination;
}

/** Looks at the files of one directory and decides. */
export class FilePreparer {
  readonly #context: PassContext;
  readonly #source: Source;
  readonly #seams: Seams;

  constructor(context: PassContext, source: Source, seams: Seams) {
    this.#context = context;
    this.#source = source;
    this.#seams = seams;
  }

  /**
   * Looks at a file, runs the scripts that come before archiving, and decides. One at a time, in order: each segment is taken to go
   * on from what was decided for the one before it.
   * @throws {FileSystemError} when the file, or what the archive has, cannot be read
   */
  async prepare(name: WalFileName): Promise<Preparation> {
    let seen = await this.#look(name);
    if (typeof seen === 'string') return seen;
    try {
      if ((await runPreHooks(this.#context, seen.file, name)) === 'stop') {
        await seen.file[Symbol.asyncDispose]();
        return 'stop';
      }
      // Whether it is still what the scripts were told of.
      if (this.#context.hooks !== undefined && !(await isUnchanged(seen.file, this.#context.disk))) {
        await seen.file[Symbol.asyncDispose]();
        seen = await this.#look(name);
        if (typeof seen === 'string') return seen;
      }
      return await this.#decide(name, seen);
    } catch (error) {
      if (typeof seen === 'object') await seen.file[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * What comes may be compressed by the custom filter, if that can be told by its first bytes: else whatever is damaged would be taken
   * for its work.
   */
  get #custom(): CustomFilters | undefined {
    const { custom } = this.#context.compression;
    return custom?.magic === undefined ? undefined : custom;
  }

  async #look(name: WalFileName): Promise<SeenFile | 'gone' | 'unfinished'> {
    const file = await ContentFile.open(join(this.#source.directory, name.name), {
      custom: this.#custom,
      disk: this.#context.disk,
      memory: this.#context.memory,
    });
    if (file === undefined) return 'gone';
    try {
      const found = await this.#examine(name, file);
      if (this.#source.kind !== 'incoming' || !this.#mayBeUnfinished(name, file, found)) return { file, found };
      await file[Symbol.asyncDispose]();
      return 'unfinished';
    } catch (error) {
      await file[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** One that does not go on where the catalogue says is held against the file itself: the catalogue may speak of another one. */
  async #examine(name: WalFileName, source: ContentFile): Promise<Examination> {
    const common = { source, name, facts: this.#context.facts };
    const found = await examineFile({ ...common, seamBefore: this.#seams.before.bind(this.#seams) });
    if (found.facts?.link !== 'broken' || !isSegmentFile(name)) return found;
    const seam = await this.#seams.ofFileBefore(name, found.facts.walSegmentSize, this.#context).catch((error: unknown) => {
      throw asTroubleOf(source.path, error);
    });
    return await examineFile({ ...common, seamBefore: () => seam });
  }

  /**
   * What archive_command is still copying is short, and becomes right in a moment. A partial segment that is short may be right,
   * or be on its way as well.
   */
  #mayBeUnfinished(name: WalFileName, file: ContentFile, { error, facts, content }: Examination): boolean {
    const isShort = name.kind === 'partial' && (content?.length ?? file.size) < (facts?.walSegmentSize ?? Infinity);
    const ageMs = this.#context.now() - Number(file.stats.mtimeNs / 1_000_000n);
    return (error !== undefined || isShort) && ageMs < patienceMs;
  }

  async #decide(name: WalFileName, { file, found }: SeenFile): Promise<PreparedFile> {
    const { content, facts, error } = found;
    const destination = archivePath(this.#context.walsDirectory, name);
    const prepared = { name, source: this.#source, file, content, facts, destination };
    if (error !== undefined) {
      const isNothing = name.kind === 'partial' && (await isBlank(file));
      return { ...prepared, decision: isNothing ? { kind: 'blank' } : { kind: 'invalid', error } };
    }
    const existing = await compareWithArchive(this.#context, prepared);
    if (existing !== 'different' && facts !== undefined) {
      this.#seams.keep(facts);
      this.#context.facts.learn(facts);
    }
    return { ...prepared, decision: { kind: decisions[existing] } };
  }
}

/** A segment before it that cannot be read holds up the file that needs it, and no others. */
function asTroubleOf(path: string, error: unknown): unknown {
  if (!(error instanceof FileSystemError)) return error;
  const message = `could not tell whether "${path}" goes on from the segment before it: ${error.message}`;
  return new FileSystemError(error.code, path, message, { hint: error.hint, cause: error });
}

/** A file in the incoming directory that was written to not longer ago may not be whole yet. */
const patienceMs = 60_000;

const decisions = { none: 'place', same: 'duplicate', different: 'conflict' } as const;

async function isBlank(file: ContentFile): Promise<boolean> {
  for await (const chunk of file.bytes()) if (!chunk.every((byte) => byte === 0)) return false;
  return true;
}
