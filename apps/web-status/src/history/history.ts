/** Writes down what the collector sees: figures every other second, events when something has changed. */
import type { Collector } from '../collector/collector.ts';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import { type EventBaseline, baselineOf } from './event-baseline.ts';
import { EventLog } from './event-log.ts';
import { eventsBetween } from './events-between.ts';
import { coarseStepMs, Figures, fineStepMs } from './figures.ts';
import { HistoryFile } from './history-file.ts';
import { sampleFigures } from './sample-figures.ts';

/** Where trouble with the file is told. */
export type OnTrouble = (error: unknown) => void;

/** Runs from when it is made until it is disposed of. Trouble with the file is told, and stops nothing. */
export class History implements Disposable {
  readonly figures: Figures;
  readonly events: EventLog;
  readonly #file: HistoryFile;
  readonly #collector: Collector;
  readonly #onTrouble: OnTrouble;
  readonly #baselines = new Map<string, { readonly value: EventBaseline; readonly text: string }>();
  readonly #listening: Disposable;
  readonly #timer: NodeJS.Timeout;
  #condensedStep = 0;

  /**
   * @param path `:memory:` to keep nothing
   * @throws {WebStatusError} `ERR_HISTORY_FILE`, `ERR_HISTORY_IN_USE`
   */
  constructor(path: string, collector: Collector, onTrouble: OnTrouble) {
    this.#file = new HistoryFile(path);
    this.#collector = collector;
    this.#onTrouble = onTrouble;
    this.figures = new Figures(this.#file);
    this.events = new EventLog(this.#file);
    this.#listening = collector.listen((_, snapshot) => this.#guard(() => this.#noteEvents(snapshot)));
    this.#timer = setInterval(() => this.#guard(() => this.#noteFigures()), fineStepMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#listening[Symbol.dispose]();
    this.#file[Symbol.dispose]();
  }

  #noteFigures(): void {
    const nowMs = Date.now();
    const step = Math.floor(nowMs / coarseStepMs);
    if (step !== this.#condensedStep) this.figures.condense(nowMs);
    this.#condensedStep = step;
    const looked = this.#collector.snapshots.filter(({ live }) => live !== undefined);
    this.figures.note(new Map(looked.map((snapshot) => [snapshot.server.name, sampleFigures(snapshot, nowMs)])), nowMs);
  }

  #noteEvents(snapshot: ServerSnapshot | undefined): void {
    if (snapshot === undefined) return;
    const { name } = snapshot.server;
    const before = this.#baselines.get(name)?.value ?? this.events.baseline(name);
    const value = baselineOf(snapshot, before);
    // Where the receiver stands changes all the time, and alone is no news.
    const text = JSON.stringify({ ...value, receiver: value.receiver && { ...value.receiver, flushedLsn: null } });
    if (this.#baselines.get(name)?.text === text) return;
    this.events.note(name, eventsBetween(before, value, Date.now()), value);
    this.#baselines.set(name, { value, text });
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onTrouble(error);
    }
  }
}
