/** pgBackRest as its user guide sets it up for one server and one repository on this machine, with asynchronous archive-get. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, runAsServerUser } from '@walvault/testkit';
import { requireProgram } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';

/** Compressions of pgBackRest by the name that Barman and walvault have for them. */
export const pgBackRestTypes = { none: 'none', gzip: 'gz', zstd: 'zst', lz4: 'lz4' } as const;

/** Which server, and how its WAL is stored. */
export interface PgBackRestOptions {
  /** Directory of its own. */
  readonly home: string;
  readonly compression: keyof typeof pgBackRestTypes;
}

/** A repository. */
export class PgBackRest {
  readonly version: string;
  readonly #options: PgBackRestOptions;

  private constructor(options: PgBackRestOptions, version: string) {
    this.#options = options;
    this.version = version;
  }

  /** Finds the program and makes directories. @throws {BenchFailure} when it is not there */
  static async create(options: PgBackRestOptions): Promise<PgBackRest> {
    const { path, env } = requireProgram('pgbackrest');
    const { stdout } = await runAsServerUser([path, 'version'], { env });
    await runAsServerUser(['mkdir', '-p', ...['repo', 'log', 'lock'].map((name) => join(options.home, name))]);
    return new PgBackRest(options, /[\d.]+/.exec(stdout)?.[0] ?? 'unknown');
  }

  /** Makes the stanza of a running server, and archives these segments of its pg_wal. */
  async archive(cluster: Cluster, names: readonly string[]): Promise<void> {
    const { home } = this.#options;
    const config = await this.#configure(join(home, 'pgbackrest.conf'), {
      'pg1-path': cluster.dataDirectory,
      'pg1-socket-path': cluster.socketDirectory,
      'pg1-port': String(cluster.port),
      'pg1-user': cluster.superuser,
    });
    await this.#run(config, ['stanza-create'], cluster.dataDirectory);
    for (const name of names) await this.#run(config, ['archive-push', join(cluster.walDirectory, name)], cluster.dataDirectory);
  }

  /** The restore_command for a data directory; what it prefetches is kept below `home`. */
  async restoreCommand(dataDirectory: string, home: string): Promise<string> {
    const spool = join(home, 'spool');
    await mkdir(spool, { mode: 0o777, recursive: true });
    await runAsServerUser(['mkdir', '-p', join(home, 'pgbackrest')]);
    const config = await this.#configure(join(home, 'pgbackrest.conf'), {
      'pg1-path': dataDirectory,
      'archive-async': 'y',
      'spool-path': join(home, 'pgbackrest'),
      'process-max': '2',
    });
    const { path, env } = requireProgram('pgbackrest');
    const settings = Object.entries(env).map(([name, value]) => `${name}="${value}"`);
    return [
      ...(settings.length > 0 ? ['env', ...settings] : []),
      path,
      `--config=${config}`,
      '--stanza=bench',
      'archive-get %f "%p"',
    ].join(' ');
  }

  async #configure(file: string, stanza: Readonly<Record<string, string>>): Promise<string> {
    const { home, compression } = this.#options;
    const globals = {
      'repo1-path': join(home, 'repo'),
      'log-path': join(home, 'log'),
      'lock-path': join(home, 'lock'),
      'compress-type': pgBackRestTypes[compression],
      'log-level-console': 'warn',
      'log-level-file': 'off',
    };
    await writeFile(file, `[global]\n${lines(globals)}\n[bench]\n${lines(stanza)}`);
    return file;
  }

  async #run(config: string, args: readonly string[], cwd: string): Promise<void> {
    const { path, env } = requireProgram('pgbackrest');
    const argv = [path, `--config=${config}`, '--stanza=bench', ...args];
    const { code, stdout, stderr } = await runAsServerUser(argv, { env, cwd, timeoutMs: 600_000 });
    if (code !== 0) throw new BenchFailure(`pgbackrest ${args[0]} ended with ${code}\n${stdout}${stderr}`);
  }
}

function lines(options: Readonly<Record<string, string>>): string {
  return Object.entries(options)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
