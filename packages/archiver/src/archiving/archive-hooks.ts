/** The scripts around archiving a file, with Barman's names and order; see hooks/run-scripts.ts. */
import type { WalFileName } from '@walvault/wal';
import type { ContentFile } from '../content/content.ts';
import type { HookFile } from '../hooks/hook-environment.ts';
import { type HookOptions, type HookScripts, runPostScripts, runPreScripts } from '../hooks/run-scripts.ts';
import type { PassContext } from './pass-context.ts';

/** The scripts, what they are told besides the file, and how they are run. */
export interface ArchiveHooks extends Pick<HookOptions, 'timeoutMs' | 'pause'> {
  readonly scripts: HookScripts;
  /** Path of the configuration file. */
  readonly configFile?: string | undefined;
}

/** Runs what comes before archiving a file; see `runPreScripts`. */
export async function runPreHooks(context: PassContext, file: ContentFile, name: WalFileName): Promise<'go' | 'stop'> {
  const { hooks } = context;
  if (hooks === undefined) return 'go';
  return runPreScripts(
    hooks.scripts,
    { ...common(context, hooks), name: name.name, ...factsOf(file) },
    optionsOf(context, hooks),
  );
}

/** What is told of a file afterwards: where it is now, or where it was if it is gone. */
export type FinishedHookFile = Omit<HookFile, 'serverName' | 'configFile'>;

/** Runs what comes behind, whatever has become of the file; see `runPostScripts`. */
export async function runPostHooks(context: PassContext, file: FinishedHookFile): Promise<void> {
  const { hooks } = context;
  if (hooks === undefined) return;
  await runPostScripts(hooks.scripts, { ...common(context, hooks), ...file }, optionsOf(context, hooks));
}

/** What is told of a file that was looked at. */
export function factsOf(
  file: Pick<ContentFile, 'path' | 'size' | 'stats' | 'codec'>,
): Pick<HookFile, 'path' | 'size' | 'timestamp' | 'compression'> {
  return { path: file.path, size: file.size, timestamp: Number(file.stats.mtimeNs) / 1e9, compression: file.codec };
}

function common(context: PassContext, { configFile }: ArchiveHooks): Pick<HookFile, 'serverName' | 'configFile'> {
  return { serverName: context.serverName, configFile };
}

function optionsOf({ signal, log }: PassContext, { timeoutMs, pause }: ArchiveHooks): HookOptions {
  return { subject: 'archive', timeoutMs, pause, signal, log };
}
