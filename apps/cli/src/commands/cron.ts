/**
 * `cron`: starts what should run and does not. Meant to be called every minute; does nothing when all is well, and nothing for a server that
 * `run` looks after.
 *
 * All servers are looked at side by side, so that a slow one keeps nobody waiting; what there is to say is said in the order of their
 * names. What was started here and has ended otherwise than well is an error: at once when it dies within a second, else with the next call.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeletionDue, planCron, type ServerConfig, stopTask, withTaskLock } from '@walvault/core';
import {
  cleanLockDirectory,
  expectTask,
  noteTask,
  type ServerTask,
  takeFailedTask,
  type TaskRecord,
} from '@walvault/core/operating';
import {
  archiverCommand,
  type BackgroundCommand,
  deletionCommand,
  launch,
  receiverCommand,
  receiverOnStderr,
} from '../background.ts';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import type { Output } from '../output.ts';

/** Options of the command. */
export interface CronCommandOptions {
  /** Leave the processes that are started the standard output and error of this one. */
  readonly keepDescriptors?: boolean | undefined;
}

/** What was started here is looked at for so long. */
const firstSecondMs = 1000;
/** Those that cron starts. */
const tasks = ['archive-wal', 'receive-wal', 'delete-wal'] as const;

/** Runs the command; gives the exit code. */
export async function cronCommand(context: CommandContext, options: CronCommandOptions): Promise<number> {
  const { output } = context;
  const configuration = await context.configuration();
  const looks = [...configuration.servers.values()].map((server) => {
    const round = new Round(context, server, options);
    return { round, done: round.run() };
  });
  let worst: number = exitCode.ok;
  for (const { round, done } of looks) {
    await done;
    round.tell(output);
    if (round.hasFailed) worst = exitCode.error;
  }
  if (configuration.globals.lockDirectoryCleanup) await cleanLockDirectory(configuration);
  return worst;
}

/** What is done for one server, and what there is to say about it. */
class Round {
  readonly #context: CommandContext;
  readonly #server: ServerConfig;
  readonly #options: CronCommandOptions;
  readonly #said: ((output: Output) => void)[] = [];
  readonly #launched: [ServerTask, Promise<void>][] = [];
  hasFailed = false;

  constructor(context: CommandContext, server: ServerConfig, options: CronCommandOptions) {
    this.#context = context;
    this.#server = server;
    this.#options = options;
  }

  /** Says it. */
  tell(output: Output): void {
    for (const say of this.#said) say(output);
  }

  /** Never rejects: one server in trouble must not keep the others from being looked after. */
  async run(): Promise<void> {
    const { name, active } = this.#server;
    if (!active) return this.#info(`Skipping inactive server '${name}'`);
    try {
      const isOurs = await withTaskLock(this.#server, 'cron', () => this.#lookAfter());
      if (!isOurs) this.#info(`Another cron process is already running on server ${name}. Skipping to the next server`);
    } catch (error) {
      this.#fail((output) => output.error(error));
    }
  }

  async #lookAfter(): Promise<void> {
    const server = this.#server;
    const { name } = server;
    for (const task of tasks) this.#tellOfEnd(await takeFailedTask(server, task));
    const plan = await planCron(server);
    if (plan.archive === 'none') return;
    if (plan.archive === 'busy')
      this.#info(`Another archive-wal process is already running on server ${name}. Skipping to the next server`);
    else
      await this.#start('archive-wal', `Starting WAL archiving for server ${name}`, await archiverCommand(this.#context, server));
    if (plan.receiver === 'stop') await stopTask(server, 'receive-wal');
    else if (plan.receiver === 'start')
      await this.#start('receive-wal', `Starting streaming archiver for server ${name}`, await this.#receiver());
    if (await isDeletionDue(server))
      await this.#start(
        'delete-wal',
        `Starting deletion of WAL for server ${name}`,
        await deletionCommand(this.#context, server),
      );
    await this.#awaitFirstSecond();
  }

  #receiver(): Promise<BackgroundCommand> {
    const command = this.#options.keepDescriptors === true ? receiverOnStderr : receiverCommand;
    return command(this.#context, this.#server, true);
  }

  async #start(task: ServerTask, line: string, command: BackgroundCommand): Promise<void> {
    this.#info(line);
    const record = await expectTask(this.#server, task);
    const keepDescriptors = this.#options.keepDescriptors ?? false;
    const launched = await launch(command, { record, keepDescriptors });
    // While it lives it writes there itself; one that has died before it could is told of all the same.
    const ended = launched.ended.then(() => noteTask(record, { pid: launched.pid }));
    this.#launched.push([task, ended]);
  }

  /** Until all have ended, or for a second. */
  async #awaitFirstSecond(): Promise<void> {
    const over = new AbortController();
    const second = sleep(firstSecondMs, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([second, Promise.all(this.#launched.map(([, ended]) => ended))]);
    over.abort();
    for (const [task] of this.#launched) this.#tellOfEnd(await takeFailedTask(this.#server, task));
  }

  #tellOfEnd(record: TaskRecord | undefined): void {
    if (record === undefined) return;
    const { task, exitCode: code, error, startedAt } = record;
    const how = code === null ? 'was killed, or has crashed' : `has ended with exit code ${code}`;
    const why = error === null ? '' : `: ${error}`;
    this.#fail((output) =>
      output.failure(
        `${task} of server ${this.#server.name}, started by cron at ${startedAt}, ${how}${why}`,
        `Look at its log, and at: walvault status ${this.#server.name}`,
      ),
    );
  }

  #info(line: string): void {
    this.#said.push((output) => output.info(line));
  }

  #fail(say: (output: Output) => void): void {
    this.hasFailed = true;
    this.#said.push(say);
  }
}
