/** get-wal --output-directory: a WAL file as a file, which appears under its name when it is whole. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { renameFile, writeNewFile } from '@walvault/durable-fs';
import type { ArchivedWal, WalForm } from './open-wal.ts';

/** Where and how to save. */
export interface SaveWalOptions {
  readonly directory: string;
  /** See {@link WalForm}. */
  readonly form: WalForm;
  /** Called when the directory has proved to be writable. */
  readonly onOpen?: ((path: string) => void) | undefined;
}

/**
 * Writes a WAL file into a directory under its name, in place of what has that name. It is not synced: PostgreSQL asks for it again
 * after a crash.
 * @throws {FileSystemError} when it cannot be written; nothing is left behind then
 * @throws what {@link ArchivedWal.bytes} throws
 */
export async function saveWal(wal: ArchivedWal, options: SaveWalOptions): Promise<void> {
  const destination = join(options.directory, wal.name);
  const temporary = join(options.directory, `.${wal.name}.${process.pid}.tmp`);
  const told = async function* (): AsyncGenerator<Buffer, void, undefined> {
    options.onOpen?.(destination);
    yield* wal.bytes(options.form);
  };
  await rm(temporary, { force: true }).catch(() => undefined); // what it cannot remove, it cannot make anew either, and says so
  try {
    await writeNewFile(temporary, told());
    await renameFile(temporary, destination);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}
