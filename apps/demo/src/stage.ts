/** What the steps share: the narrator, the signal that ends the demo early, and where to look when something fails. */
import type { DemoArguments } from './arguments.ts';
import type { Narrator } from './narrator.ts';

/** A log file that may explain a failure. */
interface KnownLog {
  readonly name: string;
  readonly read: () => Promise<string>;
}

/** See the head of the file. */
export class Stage {
  readonly narrator: Narrator;
  readonly options: DemoArguments;
  /** Aborted when the demo is to end: every wait of a step heeds it. */
  readonly signal: AbortSignal;
  readonly startedAtMs: number = performance.now();
  readonly #logs: KnownLog[] = [];

  constructor(narrator: Narrator, options: DemoArguments, signal: AbortSignal) {
    this.narrator = narrator;
    this.options = options;
    this.signal = signal;
  }

  /** Begins a step, unless the demo is to end. */
  step(title: string, why: string): void {
    this.signal.throwIfAborted();
    this.narrator.begin(title, why);
  }

  /** Names a log whose end is shown when a step fails. */
  rememberLog(name: string, read: () => Promise<string>): void {
    this.#logs.push({ name, read });
  }

  /** The last lines of every log that is there, by name. */
  async logTails(lines: number): Promise<ReadonlyMap<string, string>> {
    const tails = new Map<string, string>();
    for (const { name, read } of this.#logs) {
      const text = await read().catch(() => '');
      if (text.trim() !== '') tails.set(name, text.trimEnd().split('\n').slice(-lines).join('\n'));
    }
    return tails;
  }
}
