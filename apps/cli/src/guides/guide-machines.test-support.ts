/**
 * The machines that a guide speaks of, all of them this one: that of walvault, and database servers with an empty or a freshly made
 * data directory each, as a user has them: the configuration in the data directory, started by pg_ctl. The paths and host names
 * of the page are put in the place of those of the test, and back.
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  binaries,
  findProgram,
  freePort,
  type PostgresMajor,
  type ProgramResult,
  runAsServerUser,
  type TemporaryDirectory,
  temporaryDirectory,
} from '@walvault/testkit';
import { executable, Vault } from '../acceptance/vault.test-support.ts';
import type { GuideStep } from './guide-page.test-support.ts';

/** A server that runs, a standby of `pg1` that runs, or only a machine for one. */
type HostState = 'running' | 'standby' | 'empty';

/** What a guide begins with. */
export interface GuideSetting {
  /** Database servers by name, in the order in which they are made. */
  readonly hosts: Readonly<Record<string, HostState>>;
  /** Whether walvault is let into the servers as the first guide tells. Default true. */
  readonly isSetUp?: boolean | undefined;
  /** Lines that pg_hba.conf has beside those that trust the socket. */
  readonly hba?: readonly string[] | undefined;
  /** Default 15, whose client programs are on every machine that the tests run on. */
  readonly major?: PostgresMajor | undefined;
  /** Scripts to call by name, beside walvault and the programs of PostgreSQL; they may have names of the page in them. */
  readonly programs?: Readonly<Record<string, string>> | undefined;
  /** The main directory and the configuration file on the page. Default those of walvault; a guide may have Barman's. */
  readonly home?: string | undefined;
  readonly configFile?: string | undefined;
  /** What else stands for something: text of the page, text of this machine. */
  readonly names?: readonly (readonly [string, string])[] | undefined;
}

interface Host {
  readonly home: string;
  readonly port: number;
}

/** On the page, and on this machine. */
type Names = readonly (readonly [string, string])[];

/** Client programs that a guide may call. */
const clientPrograms = ['psql', 'pg_basebackup', 'pg_dumpall', 'pg_isready', 'pg_waldump'];

const start = 'pg_ctl start -w -l logfile';
const freshServer = [
  'initdb --no-sync --locale=C --encoding=UTF8 -U postgres -A trust',
  String.raw`printf 'local all all trust\nlocal replication all trust\n' >$PGDATA/pg_hba.conf`,
];
/** What the steps 2 and 3 of first-server.md do. */
const access = [
  `psql -c "CREATE ROLE walvault LOGIN REPLICATION PASSWORD 'sesame'" -c 'GRANT pg_monitor TO walvault'`,
  String.raw`printf 'host %s walvault 10.0.0.0/24 scram-sha-256\n' postgres replication >>$PGDATA/pg_hba.conf`,
  'pg_ctl reload',
];
const passwordFile = `echo '*:*:*:walvault:sesame' >~/.pgpass; chmod 600 ~/.pgpass`;
const copyOfPrimary = [passwordFile, `pg_basebackup -d 'host=pg1 user=walvault' -D "$PGDATA" -R --checkpoint=fast`, start];

/** The machines. Disposing of them ends what runs there and removes everything. */
export class GuideMachines implements AsyncDisposable {
  readonly #directory: TemporaryDirectory;
  readonly #vault: Vault;
  readonly #setting: GuideSetting;
  readonly #hosts = new Map<string, Host>();

  private constructor(directory: TemporaryDirectory, vault: Vault, setting: GuideSetting) {
    this.#directory = directory;
    this.#vault = vault;
    this.#setting = setting;
  }

  static async create(setting: GuideSetting): Promise<GuideMachines> {
    const machines = new GuideMachines(await temporaryDirectory('guide'), await Vault.create({}), setting);
    await machines.#installPrograms();
    // the reader writes it
    await runAsServerUser(['rm', machines.#vault.configFile]);
    for (const [name, state] of Object.entries(setting.hosts)) await machines.#addHost(name, state);
    return machines;
  }

  /** Does what the step says; how that ended, and everything that was seen, in the words of the page. */
  async carryOut(step: GuideStep): Promise<{ readonly code: number | null; readonly seen: string }> {
    const { code, stdout, stderr } = await this.#carryOut(step);
    return { code, seen: this.#toPage(stdout + stderr, step.host) };
  }

  async #carryOut({ action, host, path, text }: GuideStep): Promise<ProgramResult> {
    const here = this.#toHere(text, host);
    if (action === 'sql') return this.#shell('exec 2>&1; exec psql -X -v ON_ERROR_STOP=1', host, here);
    if (action === 'shell') return this.#shell(`exec 2>&1; set -eu\n${here}`, host);
    return this.#shell('exec cat >"$0"', host, here, this.#toHere(path ?? '', host));
  }

  /** One block is one shell, as when it is pasted. */
  async #shell(script: string, host: string | undefined, input = '', argument = 'bash'): Promise<ProgramResult> {
    const { home } = this.#placeOf(host);
    const own = { PATH: this.#path(), HOME: home, WALVAULT_CONFIG_FILE: this.#vault.configFile };
    const env = { ...own, ...(host === undefined ? {} : this.#serverEnvironment(host)) };
    return runAsServerUser(['bash', '-c', script, argument], { cwd: home, env, input });
  }

  #path(): string {
    return [this.#programDirectory, binaries(this.#setting.major ?? 15).directory, '/usr/bin', '/bin'].join(':');
  }

  get #programDirectory(): string {
    return join(this.#directory.path, 'bin');
  }

  #serverEnvironment(host: string): Record<string, string> {
    const { home, port } = this.#placeOf(host);
    return { PGDATA: join(home, 'data'), PGPORT: String(port), PGHOST: '/tmp', PGUSER: 'postgres', PGDATABASE: 'postgres' };
  }

  #placeOf(host: string | undefined): Host {
    if (host === undefined) return { home: this.#vault.home, port: 0 };
    const place = this.#hosts.get(host);
    if (place === undefined) throw new Error(`the guide has no machine "${host}"`);
    return place;
  }

  #toHere(text: string, host: string | undefined): string {
    const named = text.replaceAll(/\bhost=([a-z0-9,]+)/g, (whole, names: string) => this.#address(names.split(',')) ?? whole);
    return this.#names(host).reduce((rest, [page, here]) => rest.replaceAll(page, here), named);
  }

  /** Several hosts of one connection string have one port each. */
  #address(names: readonly string[]): string | undefined {
    const hosts = names.map((name) => this.#hosts.get(name));
    if (hosts.includes(undefined)) return undefined;
    return `host=${hosts.map(() => '127.0.0.1').join(',')} port=${hosts.map((host) => host?.port).join(',')}`;
  }

  #toPage(text: string, host: string | undefined): string {
    const others = [...this.#hosts.keys()].flatMap((name) => this.#names(name));
    const paths = [...this.#names(host), ...others].reduce((rest, [page, here]) => rest.replaceAll(here, page), text);
    return [...this.#hosts].reduce(
      (rest, [name, { port }]) =>
        rest
          .replaceAll(`host=127.0.0.1 port=${port}`, `host=${name}`)
          .replaceAll(`127.0.0.1:${port}`, `${name}:5432`)
          .replaceAll(String(port), '5432'),
      paths,
    );
  }

  /** Longer paths come before those that they begin with. */
  #names(host: string | undefined): Names {
    const { home } = this.#vault;
    const vault: Names = [
      ...(this.#setting.names ?? []),
      [this.#setting.configFile ?? '/etc/walvault.conf', this.#vault.configFile],
      [this.#setting.home ?? '/var/lib/walvault', home],
      ['/usr/lib/node_modules/walvault', dirname(dirname(executable))],
      ['/usr/bin/node', process.execPath],
      ['10.0.0.0/24', '127.0.0.0/8'],
      ['/var/tmp/', `${this.#directory.path}/`],
    ];
    return host === undefined ? vault : [...vault, ['/var/lib/postgresql', this.#placeOf(host).home]];
  }

  async #installPrograms(): Promise<void> {
    await mkdir(this.#programDirectory);
    // as if its configuration were in the place where walvault looks by itself
    await this.#installProgram('walvault', `exec "${process.execPath}" "${executable}" "$@"`);
    for (const name of clientPrograms) {
      const { argv, env } = findProgram(name);
      const settings = Object.entries(env).map(([key, value]) => `${key}='${value}'`);
      await this.#installProgram(name, `exec env ${[...settings, ...argv].join(' ')} "$@"`);
    }
    for (const [name, script] of Object.entries(this.#setting.programs ?? {}))
      await this.#installProgram(name, this.#toHere(script, undefined));
  }

  async #installProgram(name: string, script: string): Promise<void> {
    const path = join(this.#programDirectory, name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }

  async #addHost(name: string, state: HostState): Promise<void> {
    const home = join(this.#directory.path, name);
    await runAsServerUser(['mkdir', home]);
    this.#hosts.set(name, { home, port: await freePort() });
    if (state === 'empty') return;
    const { isSetUp = true, hba = [] } = this.#setting;
    const lines = hba.map((line) => `echo '${line}' >>$PGDATA/pg_hba.conf`);
    const steps = state === 'standby' ? copyOfPrimary : [...freshServer, ...lines, start, ...(isSetUp ? access : [])];
    await this.#prepare(name, steps.join('\n'));
    if (isSetUp) await this.#prepare(undefined, passwordFile);
  }

  async #prepare(host: string | undefined, script: string): Promise<void> {
    const { code, stdout, stderr } = await this.#shell(this.#toHere(`set -e\n${script}`, host), host);
    if (code !== 0) throw new Error(`the machine ${host} cannot be prepared: ${stdout}${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stop = 'for file in */postmaster.pid; do pg_ctl stop -m immediate -D "${file%/*}"; done';
    for (const name of this.#hosts.keys()) await this.#shell(stop, name);
    await this.#vault[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}
