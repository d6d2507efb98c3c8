/** The story from beginning to end; each step is a function of its own, and everything it opened is closed whatever happens. */
import { join } from 'node:path';
import { listServerArchive } from '@walvault/core';
import { temporaryDirectory, type WorkloadVerdict } from '@walvault/testkit';
import { count } from './figures.ts';
import { handOver, keepAll } from './keep.ts';
import type { Stage } from './stage.ts';
import { bringToRest, destroyServer } from './steps/disaster.ts';
import { compare, finishRestore, startRestore } from './steps/restore.ts';
import { type Archive, makeSynchronous, startReceiver } from './steps/start-receiver.ts';
import { startServer, takeBase } from './steps/start-server.ts';
import { work } from './steps/work.ts';

/** How it ended. */
export type Outcome = 'nothing lost' | 'something lost' | 'failed' | 'interrupted';

const lostRowsShown = 10;
const logLinesShown = 12;

/** Runs the demo. Never throws: what went wrong has been told when it returns. */
export async function runDemo(stage: Stage): Promise<Outcome> {
  const { narrator, options, signal } = stage;
  narrator.headline('walvault demo: every acknowledged commit survives the loss of the server');
  try {
    await using stack = new AsyncDisposableStack();
    try {
      return await tellStory(stage, stack);
    } catch (error) {
      if (signal.aborted) return 'interrupted';
      await tellFailure(stage, error);
      if (options.keep) {
        await handOver(narrator);
        stack.move();
      }
      return 'failed';
    }
  } catch (error) {
    narrator.trouble(`could not clean up: ${messageOf(error)}`);
    return 'failed';
  }
}

async function tellStory(stage: Stage, stack: AsyncDisposableStack): Promise<Outcome> {
  const home = stack.use(await temporaryDirectory('demo'));
  // walvault runs from its source here, once for every segment of the restore: translating it once is enough.
  process.env['NODE_COMPILE_CACHE'] ??= join(home.path, 'compile-cache');
  const pg = stack.use(await startServer(stage));
  const base = await takeBase(stage, pg, home.path);
  const archive = stack.use(await startReceiver(stage, pg, home.path));
  await makeSynchronous(stage, pg);
  await using load = await work(stage, pg, archive);
  const acknowledged = await destroyServer(stage, pg, load);
  await bringToRest(stage, archive);
  const restored = stack.use(await startRestore(stage, base, archive));
  await finishRestore(stage, restored, archive);
  const verdict = await compare(stage, restored, acknowledged);
  tellVerdict(stage, verdict);
  if (stage.options.keep) {
    await keepAll(stage.narrator, { directory: home.path, archive, restored, segment: await lastSegment(archive) });
    stack.move();
  }
  return verdict.lost.length === 0 ? 'nothing lost' : 'something lost';
}

/** Rows that nobody was promised are not counted. */
function tellVerdict({ narrator }: Stage, { acknowledged, lost }: WorkloadVerdict): void {
  for (const { client, id } of lost.slice(0, lostRowsShown)) narrator.trouble(`    lost: commit ${id} of client ${client}`);
  if (lost.length > lostRowsShown) narrator.trouble(`    and ${count(lost.length - lostRowsShown, 'more commit')}`);
  const text = `${acknowledged} commits acknowledged, ${acknowledged - lost.length} restored, ${lost.length} lost`;
  narrator.verdict(lost.length === 0, text);
}

async function lastSegment({ server }: Archive): Promise<string> {
  const { timelines } = await listServerArchive(server);
  return timelines.findLast(({ last }) => last !== undefined)?.last ?? '';
}

/** Which step, what the programs said, and how their logs end. */
async function tellFailure(stage: Stage, error: unknown): Promise<void> {
  const { narrator } = stage;
  narrator.trouble(`\nFAILED in step ${narrator.step}\n${messageOf(error)}`);
  for (const [name, tail] of await stage.logTails(logLinesShown)) {
    narrator.plain(`\nThe log of ${name} ends with:`);
    narrator.quote(tail);
  }
}

/** Of two errors, the later one from cleaning up, the first is the reason. */
function messageOf(error: unknown): string {
  if (error instanceof SuppressedError) return messageOf(error.suppressed);
  return error instanceof Error ? error.message : String(error);
}
