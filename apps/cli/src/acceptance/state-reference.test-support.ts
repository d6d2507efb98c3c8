/** docs/state.md as tests use it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Names of the members by the heading above their table. */
export async function readStateReference(): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = await readFile(join(import.meta.dirname, '../../../../docs/state.md'), 'utf8');
  const members = new Map<string, string[]>();
  let heading = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) heading = line;
    const name = /^\| `(\w+)` \|/.exec(line)?.[1];
    if (name !== undefined) members.set(heading, [...(members.get(heading) ?? []), name]);
  }
  return members;
}
