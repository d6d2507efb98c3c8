/** Archives what becomes complete for one server as soon as it is, in turns with the other servers of this process. */
import type { ArchiveReport, SpareMemory } from '@walvault/archiver/archiving';
import type { Logger } from '@walvault/wal';
import { followArchive, type PassTurn } from '../follow-archive.ts';
import type { LiveServerConfig } from '../live-server-config.ts';
import { reportError } from '../state-publisher.ts';
import type { Duty } from './duty.ts';
import { keepAtWork } from './keep-at-work.ts';
import { oneByOne, type Turn, type Turns } from './turns.ts';

/** What an archiver of `run` works with. */
export interface ArchiverDutyOptions {
  readonly live: LiveServerConfig;
  readonly duty: Duty;
  /** One at a time that changes the archive of this server, so that the deletion has its turn in a backlog, too. */
  readonly ownTurns: Turns;
  readonly turns: Turns;
  /** That of all servers: they have their turns one after another. */
  readonly spareMemory: SpareMemory;
  readonly stop: AbortSignal;
  readonly log: Logger;
}

/** So many files in one turn, and fewer where they take long: a server with a backlog must not keep the others waiting. */
const mostFilesInOneTurn = 8;
/** How long a turn should be, in milliseconds. It is one file where a file takes longer. */
const turnMs = 5000;
/** Each is in memory as a whole, up to 64 MiB of it; `archive_workers` is for a process that has one server. */
const segmentsAtATime = 1;

/** Archives until it is stopped; a pass that runs then ends in good order. Never rejects. */
export async function keepArchiving(options: ArchiverDutyOptions): Promise<void> {
  const { live, duty, spareMemory, stop, log } = options;
  const pace = new ArchivingPace();
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
      workers: segmentsAtATime,
      spareMemory,
      turn: async () => {
        const turn = await oneByOne([options.ownTurns, options.turns], stop);
        duty.enter('working');
        return pace.begin(turn);
      },
      onFile: () => pace.gotOn(),
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

/** How long files take, and so how many make a turn. */
class ArchivingPace {
  #turn: Turn | undefined;
  #mostFiles = mostFilesInOneTurn;
  #files = 0;
  #beganAtMs = 0;

  begin(turn: Turn): PassTurn {
    this.#turn = turn;
    this.#files = 0;
    this.#beganAtMs = performance.now();
    return { mostFiles: this.#mostFiles, [Symbol.dispose]: () => this.#end(turn) };
  }

  /** To be called for each file. */
  gotOn(): void {
    this.#files += 1;
    this.#turn?.gotOn();
  }

  #end(turn: Turn): void {
    turn[Symbol.dispose]();
    if (this.#files === 0) return;
    const fileMs = Math.max(1, (performance.now() - this.#beganAtMs) / this.#files);
    this.#mostFiles = Math.min(mostFilesInOneTurn, Math.max(1, Math.floor(turnMs / fileMs)));
  }
}
