/** Steps about where the files of a server are: directories, room, locks. Pure. */
import { shellWord } from './judge-way.ts';
import type { DirectoryFacts } from './directory-facts.ts';
import type { DoctorFacts } from './doctor-facts.ts';
import { type Finding, type Remedy, Step } from './finding.ts';

/** Whether all directories are there, or can be made, and can be written to by who asks. */
export function judgeDirectories({ here }: DoctorFacts): readonly Finding[] {
  const files = here.closedFiles.map(({ path, trouble }) =>
    new Step('file', path).problem(
      trouble.message,
      'Somebody else, such as a run as root or a copy, has made it.',
      giveBack(path),
    ),
  );
  return [...here.directories.map((directory) => judgeDirectory(directory, here.uid)), ...files];
}

function giveBack(path: string): Remedy {
  const word = shellWord(path);
  const commands = [`sudo chown "$(id -un)" ${word}`, `sudo chmod u+rw ${word}`];
  return { words: 'Give it to the user who runs walvault.', commands };
}

function judgeDirectory({ option, path, stats, trouble }: DirectoryFacts, uid: number | undefined): Finding {
  const step = new Step('directory', option);
  if (trouble !== undefined) return step.problem(trouble.message, whyNot(stats, uid), remedyFor(path, stats, trouble.code));
  if (stats === undefined) return step.ok(`"${path}" is not there yet; it is made when it is needed`);
  if (!stats.isDirectory) {
    const words = 'Move it away, or name another path.';
    return step.problem(`"${path}" is not a directory`, undefined, { words, configuration: [`${option} = ${path}.d`] });
  }
  if (uid === 0 && stats.uid !== 0) {
    return step.warning(
      `"${path}" belongs to user ${stats.uid}, and this is root`,
      'Files that root makes there stop whoever works there otherwise.',
      {
        words: 'Run walvault as the owner.',
        commands: [`sudo -u '#${stats.uid}' walvault doctor ...`],
      },
    );
  }
  if ((stats.mode & 0o002) !== 0 && (stats.mode & 0o1000) === 0) {
    return step.warning(`everybody may write to "${path}"`, 'WAL holds all data of the server.', {
      words: 'Take the right away.',
      commands: [`chmod o-rwx ${shellWord(path)}`],
    });
  }
  return step.ok(`"${path}" can be written to`);
}

function whyNot(stats: DirectoryFacts['stats'], uid: number | undefined): string | undefined {
  if (stats === undefined) return undefined;
  const mode = stats.mode.toString(8).padStart(4, '0');
  return stats.uid === uid
    ? `It has mode ${mode}.`
    : `It belongs to user ${stats.uid} and has mode ${mode}; this is user ${uid ?? '?'}.`;
}

function remedyFor(path: string, stats: DirectoryFacts['stats'], code: string): Remedy {
  const word = shellWord(path);
  if (code === 'ERR_STORAGE_FULL')
    return { words: 'Free some room, or move the directory to a larger file system.', commands: [`df -h ${word}`] };
  const owner = '"$(id -un)"';
  if (stats === undefined) {
    return { words: 'Make it, for the user who runs walvault.', commands: [`sudo install -d -m 700 -o ${owner} ${word}`] };
  }
  return {
    words: 'Give it to the user who runs walvault; and if its file system is mounted read-only, mount it for writing.',
    commands: [`sudo chown ${owner} ${word}`, `sudo chmod u+rwx ${word}`, `findmnt -T ${word}`],
  };
}

const segmentBytes = 16 * 1024 ** 2;

/** Whether there is room for the WAL to come. */
export function judgeSpace({ here }: DoctorFacts): readonly Finding[] {
  const devices = new Map<number, DirectoryFacts[]>();
  for (const directory of here.directories) {
    if (directory.space === undefined || directory.option === 'barman_lock_directory') continue;
    devices.set(directory.space.device, [...(devices.get(directory.space.device) ?? []), directory]);
  }
  const state = here.receiver?.state;
  const bytesPerHour = rateOf(state) * 3600;
  const bySystem = [...devices.values()].map((directories) =>
    judgeFileSystem(directories, state?.walSegmentSize ?? segmentBytes, bytesPerHour),
  );
  return [...bySystem, ...judgeLinks(here.directories)];
}

/** A receiver that has just begun may be catching up, which says nothing of the days to come. */
const longEnoughMs = 600_000;

/** Bytes a second on the average of this receiver's life; 0 when that was too short to tell. */
function rateOf(state: NonNullable<DoctorFacts['here']['receiver']>['state']): number {
  if (state === undefined) return 0;
  const ms = Date.parse(state.updatedAt) - Date.parse(state.startedAt);
  return ms >= longEnoughMs ? state.receivedBytes / (ms / 1000) : 0;
}

function judgeFileSystem(directories: readonly DirectoryFacts[], walSegmentSize: number, bytesPerHour: number): Finding {
  const [first] = directories;
  const path = first?.path ?? '/';
  const step = new Step('disk space', directories.map(({ option }) => option).join(', '));
  const { freeBytes = 0, totalBytes = 0, hasInodes = true } = first?.space ?? {};
  const free = `${megabytes(freeBytes)} of ${megabytes(totalBytes)} are free`;
  const remedy: Remedy = {
    words: 'Free some room or enlarge the file system; wal_retention_policy lets old WAL go, compression makes it smaller.',
    commands: [`df -h ${shellWord(path)}`, `du -sh ${shellWord(path)}`],
  };
  if (!hasInodes)
    return step.problem(`${free}, but no inode is`, 'No file can be made.', {
      ...remedy,
      commands: [`df -i ${shellWord(path)}`],
    });
  if (freeBytes < 4 * walSegmentSize) return step.problem(free, 'There is no room for the next segments.', remedy);
  const hours = bytesPerHour > 0 ? freeBytes / bytesPerHour : Number.POSITIVE_INFINITY;
  const lasts = Number.isFinite(hours)
    ? `, enough for ${hours < 48 ? `${hours.toFixed(1)} hours` : `${Math.floor(hours / 24)} days`} at the rate of this receiver so far`
    : '';
  if (hours < 1) return step.problem(free + lasts, 'It is full soon.', remedy);
  if (hours < 24 || freeBytes < totalBytes / 50) return step.warning(free + lasts, undefined, remedy);
  return step.ok(free + lasts);
}

function judgeLinks(directories: readonly DirectoryFacts[]): readonly Finding[] {
  const deviceOf = (option: string): number | undefined =>
    directories.find((directory) => directory.option === option)?.space?.device;
  const [streaming, wals] = [deviceOf('streaming_wals_directory'), deviceOf('wals_directory')];
  if (streaming === undefined || wals === undefined) return [];
  const step = new Step('file systems');
  return streaming === wals
    ? [step.ok('streaming and wals are on one file system')]
    : [
        step.ok(
          'streaming and wals are on different file systems',
          'Each segment is copied into the archive, where it could be linked else.',
        ),
      ];
}

function megabytes(bytes: number): string {
  return bytes < 10 * 1024 ** 3 ? `${Math.floor(bytes / 1024 ** 2)} MiB` : `${Math.floor(bytes / 1024 ** 3)} GiB`;
}

/** Who is at work for the server, and whose locks are in the way. */
export function judgeLocks({ server, here }: DoctorFacts): readonly Finding[] {
  if (here.locks.length === 0) return [new Step('lock').ok('no lock of this server is held')];
  return here.locks.map(({ task, path, owner, trouble }) => {
    const step = new Step('lock', task);
    if (trouble !== undefined) {
      return step.problem(trouble.message, 'Somebody else, such as a run as root, has made the file.', {
        words: 'Give it to the user who runs walvault.',
        commands: [`sudo chown "$(id -un)" ${shellWord(path)}`],
      });
    }
    const holder = `process ${owner?.pid ?? '?'}`;
    if (owner?.kind !== 'flock') return step.ok(`held by ${holder}`);
    return step.problem(
      `held by ${holder} of Barman`,
      'Two programs must not receive or archive the WAL of one server at a time.',
      {
        words: `Stop Barman for this server: take it out of its configuration, or set active = false there, and end what runs.`,
        commands: task === 'receive-wal' ? [`barman receive-wal --stop ${server.name}`] : [],
      },
    );
  });
}
