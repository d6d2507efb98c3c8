/** No two directories may be the same, of one server or of two: one would take the other's files for its own. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Problems } from './problems.ts';
import type { Resolver } from './resolver.ts';
import type { SourceSection } from './sources.ts';

/** The directories that must differ, Barman's for base backups among them. */
const directoryOptions = [
  'backup_directory',
  'basebackups_directory',
  'errors_directory',
  'incoming_wals_directory',
  'streaming_wals_directory',
  'wals_directory',
];

/** A server as far as paths go. */
export interface ServerPaths {
  readonly section: SourceSection;
  readonly resolver: Resolver;
}

/** Reports directories that are equal once symbolic links are followed. */
export async function checkPaths(servers: readonly ServerPaths[], problems: Problems): Promise<void> {
  const takenBy = new Map<string, { readonly option: string; readonly server: string }>();
  const known = new Map<string, string>();
  for (const { section, resolver } of servers) {
    for (const option of directoryOptions) {
      const path = resolver.setting(option).text;
      if (resolver.isBroken(option) || path === undefined || !path.startsWith('/')) continue;
      const real = await realPathOf(path, known);
      const other = takenBy.get(real);
      if (other === undefined) {
        takenBy.set(real, { option, server: section.name });
        continue;
      }
      const { file, line } = resolver.sourceOf(option) ?? section;
      const message = `"${path}" is ${other.option} of server "${other.server}" already${real === path ? '' : ` (it is "${real}")`}`;
      problems.error({
        file,
        line,
        section: section.name,
        option,
        message,
        hint: 'Give each directory of each server a path of its own.',
      });
    }
  }
}

/** The path without symbolic links, as far as it exists; `known` holds those of the directories that many have in common. */
async function realPathOf(path: string, known: Map<string, string>): Promise<string> {
  const before = known.get(path);
  if (before !== undefined) return before;
  const parent = dirname(path);
  const real = await realpath(path).catch(async () =>
    parent === path ? path : join(await realPathOf(parent, known), basename(path)),
  );
  known.set(path, real);
  return real;
}
