/** Other programs, for the formats that Node has no library for: bytes into their standard input, bytes out of their standard output. */
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { constants as fsConstants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf } from '@walvault/durable-fs';
import { WalvaultError } from '@walvault/wal';
import { CodecProgramError } from '../errors.ts';

/** A program and its arguments. It is looked for in PATH; no shell takes part. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
}

/** How a program ended. */
export interface ProgramEnd {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** What it said on standard error, at most its first few thousand characters, without blanks at the end. */
  readonly said: string;
}

const longestSaid = 4000;

/**
 * Feeds a program and gives out what it makes of it. The program is killed when the caller stops early.
 * @throws {CodecProgramError} when it cannot be started
 * @returns how the program ended; the caller judges that
 */
export async function* throughProgram(
  program: Program,
  source: AsyncIterable<Buffer>,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, ProgramEnd, undefined> {
  const child = await start(program.command, program.args);
  const done = Promise.all([endOf(child, signal), feed(child.stdin, source)]);
  // Its failure is told when the output has been read.
  done.catch(() => undefined);
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk;
    const [end] = await done;
    return end;
  } finally {
    child.kill('SIGKILL');
    await done.catch(() => undefined);
  }
}

/** Runs a command line of /bin/sh with `$1`, `$2`, ... and waits for its end. */
export async function runShell(line: string, args: readonly string[], signal?: AbortSignal): Promise<ProgramEnd> {
  const child = await start('/bin/sh', ['-c', line, 'sh', ...args], process.env);
  child.stdin.end();
  child.stdout.resume();
  return endOf(child, signal);
}

/** Whether a program is in PATH and may be run. */
export async function isInPath(command: string): Promise<boolean> {
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    const isThere = await access(join(directory, command), fsConstants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Starts a program. Some reasons why it cannot be are thrown by spawn, others come as an event, and then there may be no streams.
 * @param env what it says is not translated unless given: for us, and not for people
 */
async function start(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C' },
): Promise<Child> {
  const { spawn } = await import('node:child_process');
  try {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    if (child.pid === undefined) throw (await once(child, 'error'))[0];
    return child;
  } catch (cause) {
    const isMissing = ['ENOENT', 'EACCES'].includes(errnoOf(cause) ?? '');
    throw isMissing ? CodecProgramError.missing(command, cause) : CodecProgramError.notStarted(command, cause);
  }
}

/** Waits for the end of a child, which the signal brings about. */
async function endOf(child: Child, signal: AbortSignal | undefined): Promise<ProgramEnd> {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, longestSaid);
  });
  const stop = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  const exitCode = await new Promise<number | undefined>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? undefined));
  }).finally(() => signal?.removeEventListener('abort', stop));
  signal?.throwIfAborted();
  return { exitCode, said: said.trimEnd() };
}

/** A program that ends early does not read all; its exit code tells more than that. */
async function feed(input: Writable, source: AsyncIterable<Buffer>): Promise<void> {
  try {
    await pipeline(source, input);
  } catch (error) {
    const isGone = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'].includes(errnoOf(error) ?? '');
    if (!isGone || WalvaultError.is(error)) throw error;
  }
}
