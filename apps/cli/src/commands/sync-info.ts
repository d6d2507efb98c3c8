/** `sync-info`: what the archive has behind a file, as JSON in either format, for a copy of the archive. */
import { backupFacts, listServerBackups, sharedConfigFacts, syncInfo } from '@walvault/core/viewing';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import { version } from '../version.ts';

/** What the copy has. */
export interface SyncInfoCommandArguments {
  readonly lastWal: string | undefined;
  readonly lastPosition: number | undefined;
  readonly primary: boolean;
}

/** Runs the command; gives the exit code. */
export async function syncInfoCommand(
  context: CommandContext,
  serverName: string,
  { lastWal, lastPosition, primary }: SyncInfoCommandArguments,
): Promise<number> {
  const { output } = context;
  const server = await context.server(serverName);
  if (primary) {
    const hint = server.passive
      ? 'walvault keeps no copies of other installations; ask there by SSH: sync-info SERVER.'
      : undefined;
    output.failure(
      server.passive
        ? `the primary installation of server ${server.name} cannot be asked from here`
        : `server ${server.name} is not passive`,
      hint,
    );
    return exitCode.error;
  }
  const info = await syncInfo(server, { lastWal, lastPosition });
  const { backups } = await listServerBackups(server);
  const { globals } = await context.configuration();
  output.document({
    last_position: info.lastPosition,
    last_name: info.lastName,
    backups: backupFacts({ backups: backups.filter(({ status }) => status === 'DONE'), unreadable: [] }),
    wals: info.wals.map(({ name, size, modifiedAt, compression, encryption }) => ({
      compression: compression ?? null,
      name,
      size,
      time: modifiedAt,
      ...(encryption === undefined ? {} : { encryption }),
    })),
    version: version(),
    config: sharedConfigFacts(server, globals),
  });
  return exitCode.ok;
}
