/**
 * How a server is told to recover: an empty signal file beside ordinary settings since PostgreSQL 12, the file recovery.conf
 * with the settings of the recovery before.
 */
import { join } from 'node:path';
import type { PostgresMajor } from './binaries.ts';
import { writeServerFile } from './copy-cluster.ts';
import { type Settings, settingsText } from './server-settings.ts';

/** Which data directory shall recover, and whether to an end (`recovery`) or for ever (`standby`). */
export interface Recovering {
  readonly major: PostgresMajor;
  readonly dataDirectory: string;
  readonly as: 'recovery' | 'standby';
}

/** The settings that were no server settings before PostgreSQL 12. */
const belongsToRecovery = /^(recovery_|restore_command$|archive_cleanup_command$|primary_conninfo$|primary_slot_name$)/;

/** Writes the file that makes a server recover when it starts; the settings that are left for its configuration. */
export async function makeRecover({ major, dataDirectory, as }: Recovering, settings: Settings = {}): Promise<Settings> {
  if (major >= 12) {
    writeServerFile(join(dataDirectory, `${as}.signal`), '');
    return settings;
  }
  const entries = Object.entries(settings);
  const forRecovery = Object.fromEntries(entries.filter(([name]) => belongsToRecovery.test(name)));
  writeServerFile(join(dataDirectory, 'recovery.conf'), settingsText({ standby_mode: as === 'standby', ...forRecovery }));
  return Object.fromEntries(entries.filter(([name]) => !belongsToRecovery.test(name)));
}
