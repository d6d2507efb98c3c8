/** Archives what becomes complete for one server as soon as it is, in turns with the other servers of this process. */
import type { ArchiveReport, SpareMemory } from '@walvault/archiver/archiving';
import type { Logger } from '@walvault/wal';
import { followArchive } from '../follow-archive.ts';
import type { LiveServerConfig } from '../live-server-config.ts';
import { reportError } from '../state-publisher.ts';
import type { Duty } from './duty.ts';
import { keepAtWork } from './keep-at-work.ts';
import type { Turns } from './turns.ts';

/** What an archiver of `run` works with. */
export interface ArchiverDutyOptions {
  readonly live: LiveServerConfig;
  readonly duty: Duty;
  readonly turns: Turns;
  /** That of all servers: they have their turns one after another. */
  readonly spareMemory: SpareMemory;
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/** So many files in one turn: a server with a backlog must not keep the others waiting. */
const filesInOneTurn = 8;
/** Each is in memory as a whole, up to 64 MiB of it; `archive_workers` is for a process that has one server. */
const segmentsAtATime = 1;

/** Archives until it is stopped; a pass that runs then ends in good order. Never rejects. */
export async function keepArchiving(options: ArchiverDutyOptions): Promise<void> {
  const { live, duty, turns, spareMemory, stop, log } = options;
  const tell = (error: unknown): void => {
    const trouble = reportError(error);
    const { code, message, hint } = trouble;
    log[duty.waitsFor(trouble) ? 'error' : 'debug']({ code, error: message, hint }, 'archiving was interrupted; trying again');
  };
  const follow = (): Promise<void> =>
    followArchive({
      server: () => live.current,
      signal: stop,
      configFile: live.current.configFile,
      log,
      mostFiles: filesInOneTurn,
      workers: segmentsAtATime,
      spareMemory,
      turn: async () => {
        const turn = await turns.take(stop);
        duty.enter('working');
        return turn;
      },
      onPass: (report) => settle(report, tell, duty),
      onTrouble: tell,
    });
  await keepAtWork(follow, {
    stop,
    hasProgressed: () => false,
    onEnded: (error, nextStartAt) => {
      const { code, message, hint } = reportError(error);
      if (duty.ended(error, nextStartAt))
        log.error({ code, error: message, hint }, 'the archiver has ended; it is started again');
    },
  });
}

function settle({ firstFailure, catalogTrouble }: ArchiveReport, tell: (error: unknown) => void, duty: Duty): void {
  const trouble = firstFailure ?? catalogTrouble;
  if (trouble === undefined) duty.enter('idle');
  else tell(trouble);
}
