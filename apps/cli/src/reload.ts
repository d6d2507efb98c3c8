/**
 * SIGHUP: a receiver that runs opens its log file anew and reads the configuration again.
 *
 * A configuration that cannot be read, or lacks the server, changes nothing. On a terminal SIGHUP says that the terminal is gone,
 * and ends the receiver in good order as SIGTERM does.
 */
import { type AppliedChanges, checkConninfo, ConfigError, formatProblem, type LiveServerConfig } from '@walvault/core';
import type { Logger } from '@walvault/wal';
import type { CommandContext } from './context.ts';
import type { OpenLog } from './log.ts';
import { describeError } from './output.ts';

/** What a reload works on. */
export interface ReloadOptions {
  readonly context: CommandContext;
  readonly live: LiveServerConfig;
  readonly log: OpenLog;
  /** Told when another configuration counts. */
  readonly onReloaded: () => void;
}

/** Listens for SIGHUP until it is disposed of. */
export function reloadOnHangup(options: ReloadOptions): Disposable {
  const { log } = options;
  let work = Promise.resolve();
  const onHangup = (): void => {
    if (process.stdin.isTTY) return end();
    log.reopen();
    work = work.then(() => reload(options));
  };
  process.on('SIGHUP', onHangup);
  return { [Symbol.dispose]: () => void process.off('SIGHUP', onHangup) };
}

/** Never rejects: what is wrong is logged, and the receiver goes on as it was. */
async function reload({ context, live, log, onReloaded }: ReloadOptions): Promise<void> {
  try {
    const { servers, warnings } = await context.reread();
    for (const warning of warnings) log.warn({}, formatProblem(warning));
    const next = servers.get(live.current.name);
    if (next === undefined) {
      log.error({}, `SIGHUP: the configuration has no section [${live.current.name}] any more; the old one still counts`);
      return;
    }
    if (!next.active || !next.streamingArchiver) {
      log.warn({}, `SIGHUP: ${next.active ? 'streaming_archiver = off' : 'active = false'}: ending`);
      return end();
    }
    await checkConninfo(next);
    // What came of it is in the log whatever the level was, or will be.
    log.setLevel('info');
    tellChanges(live.apply(next), log);
    log.setLevel(context.logLevel(next));
    onReloaded();
  } catch (error) {
    tellTrouble(error, log);
  }
}

/** Says why a configuration cannot be used. */
export function tellTrouble(error: unknown, log: Logger): void {
  const { message, code } = describeError(error);
  const problems = error instanceof ConfigError && error.problems.length > 0 ? error.problems.map(formatProblem) : undefined;
  for (const problem of problems ?? [message]) {
    log.error({ code }, `SIGHUP: the configuration cannot be used, the old one still counts: ${problem}`);
  }
}

/** In good order, as by anybody else's SIGTERM. */
function end(): void {
  process.kill(process.pid, 'SIGTERM');
}

/** Says what is different, and from when on it counts. */
export function tellChanges({ atOnce, newStream, restart }: AppliedChanges, log: Logger): void {
  if (atOnce.length + newStream.length + restart.length === 0)
    log.info({}, 'SIGHUP: configuration read again, nothing is different');
  if (atOnce.length > 0) log.info({ options: atOnce.join(', ') }, 'SIGHUP: changed, and counts from now on');
  if (newStream.length > 0) log.info({ options: newStream.join(', ') }, 'SIGHUP: changed, going on with a new stream');
  if (restart.length > 0) {
    log.warn({ options: restart.join(', ') }, 'SIGHUP: changed, but counts only when the receiver is stopped and started again');
  }
}
