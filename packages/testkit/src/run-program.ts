/**
 * Runs programs as the user that servers run as (see serverUser), so that the files they share have one owner: to the end with
 * what they said, or in the background until the test has seen enough.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { killQuietly } from './processes.ts';
import { neutralEnvironment, spawnAsServerUser } from './server-user.ts';
import { processTemporaryDirectory } from './temporary-directory.ts';

/** How a program is run. */
export interface ProgramOptions {
  /** Working directory. Default one that the program can read and not write. */
  readonly cwd?: string | undefined;
  /** Variables added to our environment, of which no `PG...` variable is passed on; `undefined` takes one out. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Options of {@link runAsServerUser}. */
export interface RunOptions extends ProgramOptions {
  /** What the program reads from its standard input. Default nothing. */
  readonly input?: string | Uint8Array | undefined;
  /**
   * After this time the program and its process group are killed (SIGKILL), and what still holds its output open is no longer
   * listened to. Default two minutes.
   */
  readonly timeoutMs?: number | undefined;
}

/** How a program ended and what it said. */
export interface ProgramResult {
  /** Exit code, null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end: `await runAsServerUser(['pg_receivewal', '--version'])`. An exit code other than 0 is an answer, not an error.
 * @throws {Error} when the program cannot be started
 */
export async function runAsServerUser(argv: readonly string[], options: RunOptions = {}): Promise<ProgramResult> {
  await using program = await startAsServerUser(argv, options);
  program.endInput(options.input);
  const timeoutMs = options.timeoutMs ?? 120_000;
  const timer = setTimeout(() => void program[Symbol.asyncDispose](), timeoutMs);
  try {
    return await program.exited;
  } finally {
    clearTimeout(timer);
  }
}

/** Starts a program that goes on beside the test. It leads a process group of its own, which disposing it kills. */
export async function startAsServerUser(argv: readonly string[], options: ProgramOptions = {}): Promise<RunningProgram> {
  const [command = '', ...args] = argv;
  const child = spawnAsServerUser(command, args, {
    cwd: options.cwd ?? processTemporaryDirectory(),
    env: { ...neutralEnvironment(), ...options.env },
    detached: true,
    stdio: 'pipe',
  });
  await once(child, 'spawn');
  return new RunningProgram(child);
}

/** A program in the background. */
export class RunningProgram implements AsyncDisposable {
  /** How the program ended, once it did and all it said is read. */
  readonly exited: Promise<ProgramResult>;
  readonly #child: ChildProcess;
  readonly #said = { stdout: '', stderr: '' };
  readonly #listeners = new Set<() => void>();

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#said[name] += text;
        for (const listener of this.#listeners) listener();
      });
    }
    child.stdin?.on('error', () => undefined);
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    this.exited = ended.then(([code, signal]) => ({ code, signal, ...this.#said }));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whether it has not ended yet. */
  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it wrote to its standard output so far. */
  get stdout(): string {
    return this.#said.stdout;
  }

  /** What it wrote to its standard error so far. */
  get stderr(): string {
    return this.#said.stderr;
  }

  /** Gives the program the rest of its input and the end of it. */
  endInput(input?: string | Uint8Array): void {
    this.#child.stdin?.end(input);
  }

  /**
   * Waits until what the program has written to either stream matches.
   * @throws {Error} with all it said, when it ends before or `timeoutMs` pass
   */
  async waitForOutput(pattern: RegExp, timeoutMs = 60_000): Promise<RegExpExecArray> {
    const found = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match !== null) found.resolve(match);
    };
    const giveUp = (why: string) => found.reject(new Error(`no output like ${pattern}: ${why}\n${this.stdout}${this.stderr}`));
    const timer = setTimeout(giveUp, timeoutMs, `${timeoutMs} ms have passed`);
    this.#listeners.add(look);
    look();
    void this.exited.then(({ code, signal }) => giveUp(`the program ended with ${code ?? signal}`));
    try {
      return await found.promise;
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(look);
    }
  }

  /** Sends a signal and does not wait. */
  signal(name: NodeJS.Signals): void {
    if (this.running) killQuietly(this.pid, name);
  }

  /** Sends a signal and waits until the program has ended. */
  async kill(name: NodeJS.Signals = 'SIGTERM'): Promise<ProgramResult> {
    this.signal(name);
    return this.exited;
  }

  /** Kills the program, if it still runs, with what it started in its process group. Reads no further than what it has said. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) {
      const exit = once(this.#child, 'exit');
      killQuietly(-this.pid, 'SIGKILL');
      await exit;
    }
    // A descendant that left the group may hold the streams open for ever.
    setImmediate(() => {
      this.#child.stdout?.destroy();
      this.#child.stderr?.destroy();
    });
    await this.exited;
  }
}
