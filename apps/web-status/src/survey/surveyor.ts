/**
 * Looks at archives in a thread, so that a large one keeps nobody waiting: a look at 100,000 segments is seconds of work. One thread does it for
 * all servers; the steps of several looks alternate in it. When it dies, what was asked of it is answered with that, and what it has found
 * can be asked no more; the next look starts another one. An archive that does not answer in time costs the thread, and is not looked at again
 * until the calls that hang have come back: each look would hold threads of the process for ever, until there are none.
 */
import type { ServerConfig } from '@walvault/core';
import { type FoundServerTarget, type IndexedFindOptions, type ReportedError, reportError } from '@walvault/core/surveying';
import { WebStatusError } from '../errors.ts';
import { SurveyWorker } from './survey-worker.ts';
import type { SurveyedArchive, SurveyResult } from './surveyed-archive.ts';

/** See the members; what is left out is as the documentation says. */
export interface SurveyorOptions {
  /** How long a look may take, in milliseconds. */
  readonly limitMs?: number | undefined;
  /** The file of the thread. */
  readonly thread?: URL | undefined;
}

/** How long a look may take: a slow file server with millions of segments needs less. */
const defaultLimitMs = 300_000;
/** How long a question may take: it waits for steps of looks, of a second at most. */
const questionLimitMs = 10_000;
/** So many days of the archive are told about. */
const surveyedDays = 400;

// Beside this file under the name that it has there: as source, or built.
const ownThread = new URL(import.meta.url.endsWith('.ts') ? 'survey-thread.ts' : 'survey-thread.js', import.meta.url);

/** Runs from when it is made until it is disposed of. */
export class Surveyor implements Disposable {
  readonly #limitMs: number;
  readonly #threadFile: URL;
  /** When the look began, for places that have not answered. */
  readonly #hanging = new Map<string, Date>();
  #worker: SurveyWorker | undefined;
  /** Who wants to know that what the thread has found is lost. */
  #losers = new Set<() => void>();

  constructor({ limitMs = defaultLimitMs, thread = ownThread }: SurveyorOptions = {}) {
    this.#limitMs = limitMs;
    this.#threadFile = thread;
  }

  /**
   * Looks at the archive of a server. Does not reject: what stands in the way is what it has found.
   * @param onLost called when what was found can be asked no more before it was disposed of
   */
  async survey(server: ServerConfig, onLost: () => void): Promise<SurveyedArchive | ReportedError> {
    const hangsSince = this.#hanging.get(placeOf(server));
    if (hangsSince !== undefined) return reportError(late(server, hangsSince));
    const beganAt = new Date();
    const worker = this.#runningWorker();
    // Where an option was written is of no use to it.
    const work = { kind: 'survey', server: { ...server, settings: new Map() }, days: surveyedDays } as const;
    const patience = { ms: this.#limitMs, onLate: () => this.#giveUp(worker, server, beganAt) };
    try {
      const { id, result } = worker.do(work, patience);
      return this.#surveyed(worker, id, (await result) as SurveyResult, onLost);
    } catch (error) {
      return reportError(error);
    }
  }

  [Symbol.dispose](): void {
    this.#losers.clear();
    this.#worker?.end(new WebStatusError('ERR_SURVEY_DIED', 'the program ends'));
  }

  #runningWorker(): SurveyWorker {
    if (this.#worker === undefined || this.#worker.hasEnded)
      this.#worker = new SurveyWorker(this.#threadFile, () => this.#tellLosers());
    return this.#worker;
  }

  #surveyed(worker: SurveyWorker, id: number, found: SurveyResult, onLost: () => void): SurveyedArchive {
    this.#losers.add(onLost);
    const patience = { ms: questionLimitMs, onLate: busy };
    return Object.freeze({
      ...found,
      survey: Object.freeze(found.survey),
      find: async (options: IndexedFindOptions) => {
        if (worker.hasEnded) throw gone();
        return (await worker.do({ kind: 'find', survey: id, options }, patience).result) as FoundServerTarget | undefined;
      },
      [Symbol.dispose]: () => {
        this.#losers.delete(onLost);
        worker.letGo(id);
      },
    });
  }

  #giveUp(worker: SurveyWorker, server: ServerConfig, since: Date): Error {
    const place = placeOf(server);
    this.#hanging.set(place, since);
    void worker.exited.then(() => this.#hanging.delete(place));
    worker.end(gone());
    this.#tellLosers();
    return late(server, since);
  }

  #tellLosers(): void {
    const losers = this.#losers;
    this.#losers = new Set();
    for (const onLost of losers) onLost();
  }
}

function placeOf({ directories }: ServerConfig): string {
  return JSON.stringify(directories);
}

function late({ name }: ServerConfig, since: Date): WebStatusError {
  return new WebStatusError('ERR_SURVEY_LATE', `the archive of ${name} does not answer since ${since.toISOString()}`, {
    hint: 'See whether its file system hangs: does ls of its directories return? It is looked at again as soon as it answers.',
    retry: 'retry',
  });
}

function busy(): WebStatusError {
  return new WebStatusError('ERR_SURVEY_LATE', 'the thread that looks at archives does not answer', {
    hint: 'It looks at large archives, or at one whose file system hangs. Ask again.',
    retry: 'retry',
  });
}

function gone(): WebStatusError {
  return new WebStatusError('ERR_SURVEY_DIED', 'the thread that looked at the archive was ended, and another one looks again', {
    hint: 'Ask again in a minute.',
    retry: 'retry',
  });
}
