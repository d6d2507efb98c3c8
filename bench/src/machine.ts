/** Facts about the machine that the numbers depend on. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

/** Where the bench runs. */
export interface Machine {
  readonly processor: string;
  /** Processors that this process may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  /** Type, device and options of the file system: `ext4 on /dev/vda (rw,relatime)`. */
  readonly fileSystem: string;
  /** What an ordinary user may still write there. */
  readonly freeBytes: number;
}

/** Describes the machine, and the file system that holds `directory` (absolute, without symbolic links). */
export async function describeMachine(directory: string): Promise<Machine> {
  const { bavail, bsize } = await statfs(directory);
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    fileSystem: fileSystemOf(directory, readFileSync('/proc/self/mounts', 'utf8')),
    freeBytes: bavail * bsize,
  };
}

/** The file system that holds a path: of the mount points above it the longest, and of those at the same place the last. */
export function fileSystemOf(path: string, mounts: string): string {
  let found = { point: '', text: 'unknown' };
  for (const line of mounts.split('\n')) {
    const [device = '', point = '', type = '', options = ''] = line.split(' ').map(unescapeField);
    const isAbove = point === '/' || point === path || path.startsWith(`${point}/`);
    if (point !== '' && isAbove && point.length >= found.point.length) {
      found = { point, text: `${type} on ${device} (${options})` };
    }
  }
  return found.text;
}

/** Blanks and the like stand as octal numbers in the table of mounts (getmntent(3)). */
function unescapeField(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The machine and the disk as the first lines of a report. */
export function formatMachine({ processor, cores, memoryBytes, kernel, fileSystem }: Machine): string {
  return [
    `processor    ${processor}, ${cores} cores, ${(memoryBytes / 1e9).toFixed(1)} GB memory`,
    `kernel       Linux ${kernel}`,
    `file system  ${fileSystem}`,
  ].join('\n');
}
