/** The bar of a receiver that catches up with its server, below its log on a terminal. */
import type { CatchUpProgress } from '@walvault/core';
import type { CommandContext } from './context.ts';
import { Progress } from './progress.ts';

/** A bar that comes with each catch-up and goes with it. */
export class CatchUpBar implements Disposable {
  readonly #context: CommandContext;
  #bar: Progress | undefined;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  /** How far it is; undefined when it is over. */
  show(progress: CatchUpProgress | undefined): void {
    if (progress === undefined) return this[Symbol.dispose]();
    this.#bar ??= new Progress(this.#context, 'Catching up', 'bytes');
    this.#bar.show(progress.done, progress.total);
  }

  [Symbol.dispose](): void {
    this.#bar?.[Symbol.dispose]();
    this.#bar = undefined;
  }
}
