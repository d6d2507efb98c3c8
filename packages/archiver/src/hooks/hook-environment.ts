/** What a hook script is told: the environment that Barman gives its hooks, name by name. */
import { existsSync, readFileSync } from 'node:fs';

/** What hooks are run around: `archive` a WAL file is put into the archive, `wal_delete` one is deleted from it. */
export type HookSubject = 'archive' | 'wal_delete';

/** Which of the scripts of a subject it is. */
export interface HookKind {
  readonly subject: HookSubject;
  readonly phase: 'pre' | 'post';
  /** A retry script is run again until it ends with a code that says that it is done. */
  readonly isRetry: boolean;
}

/** The WAL file that a hook is about. */
export interface HookFile {
  readonly serverName: string;
  /** Path of the configuration file; `BARMAN_CONFIGURATION`, empty unless given. */
  readonly configFile?: string | undefined;
  readonly name: string;
  /** Where it is now: before archiving in the directory that it comes from, afterwards in the archive. */
  readonly path: string;
  /** Bytes of the file at `path`, that is after compression where it is compressed. */
  readonly size: number;
  /** Its modification time in seconds since 1970, with fractions. */
  readonly timestamp: number;
  /** Name of its compression as xlog.db has it; undefined for none. */
  readonly compression: string | undefined;
  /** Why it could not be archived or deleted; only for what runs afterwards. */
  readonly error?: string | undefined;
}

/** Option of the configuration that such a script is set by: `pre_archive_retry_script`. */
export function hookOptionName(kind: HookKind): string {
  return `${kind.phase}_${hookName(kind)}`;
}

const longestError = 8192;

/** The whole environment of a hook: that of this process, and Barman's variables. */
export function hookEnvironment(kind: HookKind, file: HookFile): NodeJS.ProcessEnv {
  return {
    ...process.env,
    BARMAN_VERSION: version(),
    BARMAN_SERVER: file.serverName,
    BARMAN_CONFIGURATION: file.configFile ?? '',
    BARMAN_HOOK: hookName(kind),
    BARMAN_RETRY: kind.isRetry ? '1' : '0',
    BARMAN_PHASE: kind.phase,
    // No variable can hold a zero byte, or more than the kernel takes.
    BARMAN_ERROR: (file.error ?? '').replaceAll('\0', '').slice(0, longestError),
    BARMAN_SEGMENT: file.name,
    BARMAN_FILE: file.path,
    BARMAN_SIZE: String(file.size),
    BARMAN_TIMESTAMP: Number.isInteger(file.timestamp) ? file.timestamp.toFixed(1) : String(file.timestamp),
    BARMAN_COMPRESSION: file.compression ?? '',
  };
}

/** `archive_script`, `wal_delete_retry_script`: the same for both phases. */
function hookName({ subject, isRetry }: HookKind): string {
  return isRetry ? `${subject}_retry_script` : `${subject}_script`;
}

let versionRead: string | undefined;

/** The version of walvault, whose packages are released together: this code may have become part of another one of them. */
function version(): string {
  versionRead ??= versionAbove(new URL('.', import.meta.url));
  return versionRead;
}

function versionAbove(directory: URL): string {
  const path = new URL('package.json', directory);
  if (!existsSync(path)) return directory.pathname === '/' ? 'unknown' : versionAbove(new URL('..', directory));
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version;
}
