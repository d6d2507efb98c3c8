/**
 * Opens files and reads their content before it is asked for, so that disk and decompression, which work in threads of their own, are
 * busy while a segment is checked. A few files at a time, and of each no more than a limit.
 */
import { ContentFile, type OpenOptions } from '../content/content.ts';
import { type BlockPool, blocksOf, type FilledBlock } from './blocks.ts';

/** Of each file so many bytes are held at most before they are asked for, unless the caller says otherwise. */
const defaultLimitBytes = 16 * 1024 * 1024;
/** So many files are read at a time, the one in use included. */
const depth = 3;

interface Loaded {
  readonly content: ContentFile;
  /** The beginning. */
  readonly blocks: FilledBlock[];
  /** What follows; undefined when that was all. */
  readonly rest: AsyncGenerator<FilledBlock, void, undefined> | undefined;
  /** Throws what ended it, if anything did. */
  readonly requireRight: () => void;
}

/** How to open files, and how much of each to read before it is asked for; 0 for files that are only glanced at. */
export interface AdvanceOptions extends OpenOptions {
  readonly pool: BlockPool;
  readonly limitBytes?: number | undefined;
}

/** A file that is being read. */
export class AdvancedFile implements AsyncDisposable {
  readonly #loaded: Promise<Loaded | undefined>;

  constructor(path: string, options: AdvanceOptions) {
    this.#loaded = load(path, options);
    // Told to whoever asks; nobody has to.
    this.#loaded.catch(() => undefined);
  }

  /** The open file; undefined when it is not there. @throws {FileSystemError} */
  async file(): Promise<ContentFile | undefined> {
    return (await this.#loaded)?.content;
  }

  /** The content, once; the caller gives the blocks back to the pool. @throws what `ContentFile.bytes` throws */
  async *blocks(): AsyncGenerator<FilledBlock, void, undefined> {
    const loaded = await this.#loaded;
    if (loaded === undefined) return;
    // Taken out one by one, so that none is held longer than it is needed.
    for (let block = loaded.blocks.shift(); block !== undefined; block = loaded.blocks.shift()) yield block;
    loaded.requireRight();
    if (loaded.rest !== undefined) yield* loaded.rest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const loaded = await this.#loaded.catch(() => undefined);
    await loaded?.rest?.return();
    await loaded?.content[Symbol.asyncDispose]();
  }
}

/** Each item with its file, opened ahead. Each file is disposed of when the next one is asked for. */
export async function* inAdvance<T extends { readonly path: string }>(
  items: readonly T[],
  options: AdvanceOptions,
): AsyncGenerator<readonly [T, AdvancedFile], void, undefined> {
  const open: AdvancedFile[] = [];
  try {
    for (const [index, item] of items.entries()) {
      for (const ahead of items.slice(index + open.length, index + depth)) open.push(new AdvancedFile(ahead.path, options));
      await using file = open[0] as AdvancedFile;
      yield [item, file];
      open.shift();
    }
  } finally {
    for (const file of open) await file[Symbol.asyncDispose]();
  }
}

async function load(path: string, options: AdvanceOptions): Promise<Loaded | undefined> {
  const { limitBytes = defaultLimitBytes, pool } = options;
  const content = await ContentFile.open(path, options);
  if (content === undefined) return undefined;
  const blocks: FilledBlock[] = [];
  const source = blocksOf(content, pool);
  try {
    for (let length = 0; length < limitBytes; ) {
      const { value, done } = await source.next();
      if (done === true) return { content, blocks, rest: undefined, requireRight: () => undefined };
      blocks.push(value);
      length += value.bytes.length;
    }
    return { content, blocks, rest: source, requireRight: () => undefined };
  } catch (error) {
    const requireRight = (): void => {
      throw error;
    };
    return { content, blocks, rest: undefined, requireRight };
  }
}
