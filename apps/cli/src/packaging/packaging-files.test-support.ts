/** The files of packaging/, as text. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Top of the checkout. */
export const checkout = join(import.meta.dirname, '../../../..');

/** A file of packaging/. */
export function packagingFile(name: string): string {
  return readFileSync(join(checkout, 'packaging', name), 'utf8');
}
