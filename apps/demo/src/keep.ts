/** `--keep`: everything stays, and the user is told where it is, what to try, and how to get rid of it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { receiverLogPath } from '@walvault/core';
import { type Cluster, keepTemporaryDirectories } from '@walvault/testkit';
import type { Narrator } from './narrator.ts';
import { type Archive, configurationText, programName, serverName } from './steps/start-receiver.ts';
import { shellWord, writeScript } from './walvault.ts';

/** What a demo that went through leaves. */
export interface Kept {
  readonly directory: string;
  readonly archive: Archive;
  readonly restored: Cluster;
  /** Name of a segment that the archive has. */
  readonly segment: string;
}

/** Hands everything over to the user after a demo that went through. */
export async function keepAll(narrator: Narrator, { directory, archive, restored, segment }: Kept): Promise<void> {
  // The restored server takes the place of the dead one, as it would in life.
  await writeFile(archive.walvault.configFile, configurationText(restored, directory));
  const program = shellWord(join(directory, programName));
  narrator.plain('\nEverything is still there (--keep):');
  narrator.quote(
    [
      `restored server   ${restored.conninfo()}`,
      `its data          ${restored.dataDirectory}`,
      `configuration     ${archive.walvault.configFile} (names the restored server now)`,
      `archive           ${archive.server.directories.wals}`,
      `incomplete WAL    ${archive.server.directories.streaming}`,
      `receiver's log    ${receiverLogPath(archive.server)}`,
    ].join('\n'),
  );
  narrator.plain('\nTry:');
  narrator.quote(
    [
      `${program} list-servers`,
      `${program} status ${serverName}`,
      `${program} get-wal ${serverName} ${segment} | wc -c`,
      `${program} receive-wal --create-slot ${serverName}`,
      `${program} receive-wal ${serverName}    # goes on with the restored server, on its new timeline`,
    ].join('\n'),
  );
  await handOver(narrator);
}

/** Makes the folders the user's, and says how to remove them and what runs in them. */
export async function handOver(narrator: Narrator): Promise<void> {
  const directory = await keepTemporaryDirectories();
  const remove = join(directory, 'remove');
  await writeScript(remove, removeText(directory));
  narrator.plain('\nStop and remove all of it:');
  narrator.quote(shellWord(remove));
}

/** A server is what works in a data directory; SIGQUIT also makes it give its shared memory back. */
function removeText(directory: string): string {
  return `# Stops what the demo left running and removes its folders.
cd / || exit 1
for program in ${shellWord(directory)}/*/${programName}; do
  [ -x "$program" ] && "$program" -q receive-wal --stop ${serverName} 2>/dev/null
done
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  pids=
  for process in /proc/[0-9]*; do
    case $(readlink "$process/cwd" 2>/dev/null) in
      ${shellWord(directory)}/*) [ -e "$process/cwd/PG_VERSION" ] && pids="$pids \${process#/proc/}" ;;
    esac
  done
  [ -n "$pids" ] || break
  kill -s QUIT $pids 2>/dev/null
  sleep 0.3
done
rm -rf ${shellWord(directory)}
`;
}
