/** What one test run makes and the next ones use: directories that stay, in the checkout, until somebody removes `node_modules`. */
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { serverUser } from './server-user.ts';

/** A directory for the user that servers run as, shared by all test processes; what is in it may be there already, or not. */
export function keptDirectory(name: string): string {
  const path = join(import.meta.dirname, '../../../node_modules/.cache/walvault-tests', name);
  mkdirSync(path, { recursive: true });
  const owner = serverUser();
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  return path;
}
