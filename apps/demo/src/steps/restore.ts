/** Steps 8 and 9: recover from the base copy and the archive, and compare with what the clients know. */
import { type Acknowledged, type Cluster, startExisting, verifyWorkload, type WorkloadVerdict } from '@walvault/testkit';
import { parseLsn } from '@walvault/wal';
import { formatSeconds } from '../figures.ts';
import { replayFrame } from '../replay-frame.ts';
import type { Stage } from '../stage.ts';
import { shellWord, type Walvault } from '../walvault.ts';
import { until, whileWatching } from '../watch.ts';
import { unsureCommits } from './disaster.ts';
import { type Archive, serverName } from './start-receiver.ts';

const promotionTimeoutMs = 120_000;

/** Starts a server on the base copy that recovers from the archive. The caller disposes of it. */
export async function startRestore(stage: Stage, base: string, { walvault }: Archive): Promise<Cluster> {
  stage.step(
    'Restore: the base copy, a recovery.signal, one restore_command:',
    'PostgreSQL asks walvault for segment after segment, the incomplete last one included, and opens for business.',
  );
  const command = restoreCommand(walvault);
  stage.narrator.note(`restore_command = '${withoutDirectories(command)}' (with full paths)`);
  const restored = await startExisting(base, { recover: 'recovery', settings: { restore_command: command } });
  stage.rememberLog('the restored server', async () => restored.log());
  return restored;
}

/** PostgreSQL replaces %f and %p, and a percent sign that is doubled. */
function restoreCommand({ argv }: Walvault): string {
  const words = [...argv, 'restore-wal', '--partial', serverName].map((word) => shellWord(word).replaceAll('%', '%%'));
  return `${words.join(' ')} %f "%p"`;
}

/** For people: `/usr/bin/node` is `node`. */
function withoutDirectories(command: string): string {
  return command.replaceAll(/(?<=^|[ '])\/[^ ']*\//g, '');
}

/** Waits, under live figures, until the restored server has replayed all there is and takes writes. */
export async function finishRestore({ narrator, signal }: Stage, restored: Cluster, archive: Archive): Promise<void> {
  const state = await archive.receiver();
  const [from, to] = [parseLsn(state?.startLsn ?? '0/0'), parseLsn(state?.flushedLsn ?? '0/0')];
  const isPrimary = async () => (await ask(restored, 'select pg_is_in_recovery()')) === 'false';
  const wait = { what: 'the restored server to leave recovery', timeoutMs: promotionTimeoutMs, signal };
  {
    using view = narrator.live();
    const look = async () => {
      const at = await ask(restored, whereItIs);
      view.show(replayFrame({ from, at: at === undefined ? from : parseLsn(at), to }, narrator.paint));
    };
    await whileWatching(look, async () => until(isPrimary, wait));
  }
  const timeline = await ask(restored, 'select timeline_id from pg_control_checkpoint()');
  narrator.note(`Recovered to ${await ask(restored, whereItIs)} and promoted to timeline ${timeline}`);
}

/** How far it has replayed; the server remembers that when it is a primary again. */
const whereItIs = 'select pg_last_wal_replay_lsn()';

async function ask(restored: Cluster, sql: string): Promise<string | undefined> {
  try {
    return await restored.value(sql);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'no reason given';
    throw new Error(`the restored server does not answer (${why}): it stops when its restore_command reports trouble`, { cause });
  }
}

/** Asks the restored server for every acknowledged commit, row by row. */
export async function compare(stage: Stage, restored: Cluster, acknowledged: Acknowledged): Promise<WorkloadVerdict> {
  stage.step('Compare, row by row:', 'is every commit there that a client was told is safe?');
  const verdict = await verifyWorkload(restored, acknowledged);
  const survivors = verdict.restored + verdict.lost.length - verdict.acknowledged;
  const unsure = unsureCommits(acknowledged);
  if (unsure > 0) stage.narrator.note(`Of the ${unsure} under way at the death ${survivors} survived, which nobody was promised`);
  stage.narrator.note(`${formatSeconds(performance.now() - stage.startedAtMs)} from the start to here`);
  return verdict;
}
