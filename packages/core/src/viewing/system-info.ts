/** The machine and the programs, as far as a bug report is concerned. No name of the machine, and no address. */
import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, release, totalmem, type, userInfo, version as kernelVersion } from 'node:os';

/** What is told. Barman's names where it has them. */
export async function systemInfo(version: string): Promise<Readonly<Record<string, unknown>>> {
  return {
    walvault_ver: version,
    node_ver: process.version,
    kernel_ver: `${type()} ${release()} ${kernelVersion()} ${arch()}`,
    release: await distribution(),
    timestamp: new Date().toISOString(),
    time_zone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
    cpus: availableParallelism(),
    memory_bytes: totalmem(),
    uid: userInfo().uid,
    libraries: {
      openssl: process.versions.openssl,
      zstd: process.versions['zstd'] ?? null,
      sqlite: process.versions['sqlite'] ?? null,
    },
  };
}

/** PRETTY_NAME of os-release(5). */
async function distribution(): Promise<string | null> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? null;
}
