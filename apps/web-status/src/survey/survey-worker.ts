/** One thread that looks at archives, as whoever gives it work sees it. */
import { Worker } from 'node:worker_threads';
import type { ReportedError } from '@walvault/core/surveying';
import { type RetryAdvice, WalvaultError } from '@walvault/wal';
import { WebStatusError } from '../errors.ts';
import type { Ready, SurveyAnswer, SurveyTask } from './survey-thread.ts';

/** A task without its number. */
export type Work = SurveyTask extends infer Task ? (Task extends { readonly id: number } ? Omit<Task, 'id'> : never) : never;

/** How long work may take, and what happens when it takes longer. */
export interface Patience {
  readonly ms: number;
  readonly onLate: () => Error;
}

interface Expected extends PromiseWithResolvers<unknown> {
  /** Undefined until the thread takes work: its start is nobody's fault. */
  timer?: NodeJS.Timeout | undefined;
}

/** Runs from when it is made until it ends by itself or is ended. */
export class SurveyWorker {
  readonly #worker: Worker;
  readonly #expected = new Map<number, Expected>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #exit = Promise.withResolvers<void>();
  readonly #onEnd: () => void;
  #lastId = 0;
  #hasEnded = false;

  /** @param onEnd called when it does nothing any more, unless that was wanted */
  constructor(thread: URL, onEnd: () => void) {
    this.#onEnd = onEnd;
    // How the packages of the workspace are found is not passed on to a thread.
    const execArgv = thread.pathname.endsWith('.ts') ? ['--conditions=@walvault/source'] : [];
    this.#worker = new Worker(thread, { execArgv });
    this.#worker.on('message', (said: SurveyAnswer | Ready) => {
      if (said === 'ready') this.#ready.resolve();
      else this.#take(said);
    });
    this.#worker.on('error', (error) => this.#die(String(error)));
    this.#worker.on('messageerror', (error) => this.#die(String(error)));
    this.#worker.on('exit', (code) => {
      this.#exit.resolve();
      this.#die(`it has ended with code ${code}`);
    });
  }

  /** It does nothing any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Settled when the operating system has it no more: one that hangs in a call ends with that call. */
  get exited(): Promise<void> {
    return this.#exit.promise;
  }

  /** Gives it work. @returns the number of the task, and what comes of it @throws {WalvaultError} as the thread says, or how it has ended */
  do(work: Work, patience: Patience): { readonly id: number; readonly result: Promise<unknown> } {
    this.#lastId += 1;
    const id = this.#lastId;
    const expected: Expected = Promise.withResolvers<unknown>();
    this.#expected.set(id, expected);
    void this.#limit(id, patience);
    this.#worker.postMessage({ ...work, id }, []);
    return { id, result: expected.promise };
  }

  /** What was found for that task is not asked any more. */
  letGo(survey: number): void {
    const task: SurveyTask = { kind: 'letGo', survey };
    this.#worker.postMessage(task, []);
  }

  /** Ends it. What it was asked for and has not answered is answered with the error. */
  end(error: Error): void {
    this.#hasEnded = true;
    for (const id of this.#expected.keys()) this.#settle(id)?.reject(error);
    void this.#worker.terminate();
  }

  async #limit(id: number, { ms, onLate }: Patience): Promise<void> {
    await this.#ready.promise;
    const expected = this.#expected.get(id);
    if (expected !== undefined) expected.timer = setTimeout(() => this.#settle(id)?.reject(onLate()), ms);
  }

  #take({ id, result, error }: SurveyAnswer): void {
    const expected = this.#settle(id);
    if (error === undefined) expected?.resolve(result);
    else expected?.reject(new ThreadError(error));
  }

  /** Undefined when it was settled before. */
  #settle(id: number): Expected | undefined {
    const expected = this.#expected.get(id);
    this.#expected.delete(id);
    clearTimeout(expected?.timer);
    return expected;
  }

  #die(reason: string): void {
    if (this.#hasEnded) return;
    this.end(
      new WebStatusError('ERR_SURVEY_DIED', `the thread that looks at archives has died: ${reason}`, {
        hint: 'Another one is started for the next look. If that goes on, see whether this machine has memory enough.',
        retry: 'retry',
      }),
    );
    this.#onEnd();
  }
}

/** An error as it was in the thread. */
class ThreadError extends WalvaultError {
  readonly code: string;
  readonly retry: RetryAdvice = 'fatal';

  constructor({ code, message, hint }: ReportedError) {
    super(message, hint === null ? {} : { hint });
    this.code = code;
  }
}
