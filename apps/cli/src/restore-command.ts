/**
 * The line that makes a server recover through walvault: a shell command in the quotes of postgresql.conf.
 *
 * The shell takes a segment that is ready in the spool by itself, which costs it one mv, and becomes walvault where there is none. Why
 * this answers as walvault does:
 *   - 0 is said when mv has put the whole file in its place, or by walvault. A ready file is whole and checked, and the way to it
 *     ends with the life of the process that vouches for it (see `Spool`). Where the spool is on another file system mv copies; when that
 *     fails half way, walvault follows and replaces what is there. PostgreSQL looks at the file only when it was told 0.
 *   - Everything else is said by walvault, because the shell becomes it (exec): its exit code and the signal that ends it are the
 *     shell's. A Node.js that is not there any more is 127, one that cannot be run 126, both above 125. Of a program that is not there, or
 *     not at the moment, while it is upgraded, Node.js says 1: so the shell looks, and says 255.
 *   - `-O` makes sure that the way was written by the user that the server runs as.
 */
import { join } from 'node:path';

/** What the line is made of. Paths are absolute, but for a spool in the data directory, which is the working directory of the command. */
export interface RestoreCommandParts {
  readonly node: string;
  readonly executable: string;
  /** What stands before the name and place of the file. */
  readonly args: readonly string[];
  /** The spool of the server; undefined when nothing is prefetched. */
  readonly spool: string | undefined;
}

/** `restore_command = '...'` for postgresql.conf. */
export function restoreCommandLine({ node, executable, args, spool }: RestoreCommandParts): string {
  const call = `exec ${[node, executable, ...args].map(shellWord).join(' ')} "%f" "%p"`;
  const walvault = `[ -r ${shellWord(executable)} ] || exit 255; ${call}`;
  if (spool === undefined) return setting(walvault);
  const way = shellWord(join(spool, 'prefetcher'));
  return setting(`{ [ -O ${way} ] && read -r way <${way} && mv -f "/proc/$way/%f" "%p"; } 2>/dev/null || { ${walvault}; }`);
}

/** A word for sh, with PostgreSQL's placeholders of a restore_command taken out of it. */
function shellWord(word: string): string {
  const quoted = /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
  return quoted.replaceAll('%', '%%');
}

/** A string as postgresql.conf has it (GUC_scanstr, utils/misc/guc-file.l). */
function setting(command: string): string {
  return `restore_command = '${command.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
