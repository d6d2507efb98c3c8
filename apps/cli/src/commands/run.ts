/** `run`: looks after all servers, or those that are named, in this process, until it is told to end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { RunService, type ServerChange } from '@walvault/core/running';
import type { Logger } from '@walvault/wal';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import type { OpenLog } from '../log.ts';
import { describeError } from '../output.ts';
import { tellChanges, tellTrouble } from '../reload.ts';
import { ServiceManager } from '../service-manager.ts';

const statusEveryMs = 5000;
/** A service manager or a container is patient for ten seconds; what is not over by then hangs in the disk or the network. */
const leaveWithinMs = 9000;

/**
 * The young generation of the heap grows to some 50 MB with a flood of small objects, and never gives them back. What a receiver makes is
 * gone before the next batch, so that the size it begins with is enough.
 */
function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Runs until a signal; gives the exit code. */
export async function runCommand(context: CommandContext, names: readonly string[]): Promise<number> {
  keepHeapSmall();
  const configuration = await context.configuration();
  const log = await context.log(configuration.globals, configuration.globals.logFile);
  const logOf = (server: string): Logger => withServer(log, server);
  await using manager = new ServiceManager(log);
  const service = await RunService.begin(configuration, { names, logOf });
  try {
    log.info({ servers: service.receivers.size, file: configuration.file }, 'running');
    using _ = reloadOnHangup({ context, service, manager, log });
    manager.ready(statusOf(service));
    while (!context.stop.aborted) {
      await sleep(statusEveryMs, undefined, { signal: context.stop }).catch(() => undefined);
      if (!context.stop.aborted) manager.status(statusOf(service));
    }
  } finally {
    log.info({}, 'ending');
    manager.stopping();
    leaveInTime(log);
    await service[Symbol.asyncDispose]();
  }
  log.info({}, 'ended in good order');
  return exitCode.ok;
}

/** What is durable stays so, and what is not was not acknowledged. */
function leaveInTime(log: OpenLog): void {
  const leave = (): void => {
    log.error({}, `not everything has ended within ${leaveWithinMs / 1000} s; leaving all the same`);
    process.exit(exitCode.error);
  };
  setTimeout(leave, leaveWithinMs).unref();
}

/** `50 servers: 24 receiving, 26 not`. */
function statusOf({ receivers }: RunService): string {
  const phases = [...receivers.values()];
  const receiving = phases.filter((phase) => phase === 'working').length;
  const off = phases.filter((phase) => phase === 'off').length;
  const others = phases.length - receiving - off;
  return `${phases.length} servers: ${receiving} receiving, ${others} not${off === 0 ? '' : `, ${off} without a receiver`}`;
}

/** The log with the name of a server in each line. */
function withServer(log: Logger, server: string): Logger {
  return {
    debug: (fields, message) => log.debug({ server, ...fields }, message),
    info: (fields, message) => log.info({ server, ...fields }, message),
    warn: (fields, message) => log.warn({ server, ...fields }, message),
    error: (fields, message) => log.error({ server, ...fields }, message),
  };
}

interface ReloadOptions {
  readonly context: CommandContext;
  readonly service: RunService;
  readonly manager: ServiceManager;
  readonly log: OpenLog;
}

/** SIGHUP: opens the log anew and reads the configuration again. On a terminal it says that the terminal is gone. */
function reloadOnHangup(options: ReloadOptions): Disposable {
  let work = Promise.resolve();
  const onHangup = (): void => {
    if (process.stdin.isTTY) return void process.kill(process.pid, 'SIGTERM');
    options.log.reopen();
    work = work.then(() => reload(options));
  };
  process.on('SIGHUP', onHangup);
  return { [Symbol.dispose]: () => void process.off('SIGHUP', onHangup) };
}

/** Never rejects: a configuration that cannot be used is logged, and the old one counts. */
async function reload({ context, service, manager, log }: ReloadOptions): Promise<void> {
  if (context.stop.aborted) return;
  manager.reloading();
  try {
    const configuration = await context.reread();
    const changes = await service.apply(configuration);
    // What came of it is in the log whatever the level was, or will be.
    log.setLevel('info');
    tell(changes, log);
    log.setLevel(context.logLevel(configuration.globals));
  } catch (error) {
    tellTrouble(error, log);
  }
  manager.ready(statusOf(service));
}

const words: Readonly<Record<'started' | 'stopped' | 'restarted', string>> = {
  started: 'SIGHUP: looking after this server from now on',
  stopped:
    'SIGHUP: let go of this server; its replication slot, if it has one, keeps WAL there until somebody streams by it or drops it',
  restarted: 'SIGHUP: begun anew with another configuration',
};

function tell(changes: readonly ServerChange[], log: OpenLog): void {
  if (changes.length === 0) log.info({}, 'SIGHUP: configuration read again, nothing is different');
  for (const { name, kind, changes: options, error } of changes) {
    const server = withServer(log, name);
    if (kind === 'changed' && options !== undefined) tellChanges(options, server);
    else if (kind === 'failed')
      server.error({ ...describeError(error) }, 'SIGHUP: the new configuration of this server does not count');
    else if (kind !== 'changed') server.info({}, words[kind]);
  }
}
