/** Steps 3 and 4: the configuration, the slot, the receiver in the background, and its promotion to synchronous standby. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  loadConfiguration,
  readReceiverState,
  type ReceiverState,
  receiverLogPath,
  type ServerConfig,
  serverNamed,
  statePath,
} from '@walvault/core';
import type { Cluster } from '@walvault/testkit';
import type { Stage } from '../stage.ts';
import { Walvault } from '../walvault.ts';
import { until } from '../watch.ts';
import { streamingRole } from './start-server.ts';

/** Name of the server in the configuration. */
export const serverName = 'pg';
/** How the server knows our receiver: Barman's default for streaming_archiver_name. */
const standbyName = 'barman_receive_wal';
/** A script beside the configuration file that calls walvault with it. */
export const programName = 'walvault';
const syncTimeoutMs = 60_000;

/** A receiver in the background, and what is known about its server. */
export interface Archive extends AsyncDisposable {
  readonly walvault: Walvault;
  readonly server: ServerConfig;
  /**
   * What the receiver published last.
   * @throws {Error} when it is no more, although nobody stopped it
   */
  receiver(): Promise<ReceiverState | undefined>;
  /** Stops the receiver, and shows how. */
  stopReceiver(): Promise<void>;
}

/** The configuration file, in the form that Barman knows. */
export function configurationText(pg: Cluster, directory: string): string {
  const address = `host=${pg.host} port=${pg.port}`;
  return [
    '[barman]',
    `barman_home = ${join(directory, 'archive')}`,
    'compression = zstd',
    '',
    `[${serverName}]`,
    `conninfo = ${address} user=${pg.superuser} dbname=postgres`,
    `streaming_conninfo = ${address} user=${streamingRole}`,
    'streaming_archiver = on',
    'slot_name = barman',
    '',
  ].join('\n');
}

/** Writes the configuration, creates the slot and starts the receiver. Disposing of the result stops the receiver. */
export async function startReceiver(stage: Stage, pg: Cluster, directory: string): Promise<Archive> {
  stage.step(
    'Configure walvault, create a replication slot, start the receiver:',
    'the server keeps all WAL that the slot still needs, so that none is missing after an interruption.',
  );
  const configFile = join(directory, 'walvault.conf');
  await writeFile(configFile, configurationText(pg, directory));
  stage.narrator.note(`Written to ${configFile}:`);
  stage.narrator.quote(configurationText(pg, directory));
  const walvault = new Walvault(configFile);
  await walvault.writeProgram(join(directory, programName));
  const server = serverNamed(await loadConfiguration({ explicit: configFile }), serverName);
  await walvault.tell(stage.narrator, 'receive-wal', '--create-slot', serverName);
  await using stack = new AsyncDisposableStack();
  const archive = stack.use(archiveOf(stage, walvault, server));
  await walvault.tell(stage.narrator, 'receive-wal', serverName);
  stack.move();
  return archive;
}

function archiveOf(stage: Stage, walvault: Walvault, server: ServerConfig): Archive {
  let stopped = false;
  stage.rememberLog('the receiver', async () => readFile(receiverLogPath(server), 'utf8'));
  const stop = ['receive-wal', '--stop', serverName] as const;
  return {
    walvault,
    server,
    async receiver() {
      const state = await readReceiverState(statePath(server));
      if (state === undefined || stopped || existsSync(`/proc/${state.pid}`)) return state;
      throw new Error(`the receiver (process ${state.pid}) has died`);
    },
    async stopReceiver() {
      await walvault.tell(stage.narrator, ...stop);
      stopped = true;
    },
    async [Symbol.asyncDispose]() {
      // It may have ended by itself, or never started.
      if (!stopped) await walvault.run(...stop).catch(() => undefined);
      stopped = true;
    },
  };
}

/** Makes every commit wait for our receiver, and waits until the server agrees. */
export async function makeSynchronous(stage: Stage, pg: Cluster): Promise<void> {
  stage.step(
    'Make the receiver the synchronous standby:',
    'from now on the server acknowledges a commit only after walvault has it on disk. That is what makes the loss zero.',
  );
  await pg.query(`alter system set synchronous_standby_names = '${standbyName}'`);
  await pg.reload();
  const state = `select sync_state = 'sync' from pg_stat_replication where application_name = '${standbyName}'`;
  await until(async () => (await pg.value(state)) === 'true', {
    what: 'the server to name the receiver its synchronous standby',
    timeoutMs: syncTimeoutMs,
    signal: stage.signal,
  });
  stage.narrator.note(`synchronous_standby_names = '${standbyName}'; pg_stat_replication says: sync_state = sync`);
}
