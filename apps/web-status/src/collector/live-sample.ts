/** Looks at what the processes of this machine publish about a server: three small files, and who holds their locks. */
import type { ServerConfig } from '@walvault/core';
import { isReportedError, observeReceiver, reportError, type ReportedError } from '@walvault/core/observing';
import { runHealth } from '@walvault/core/running';
import type { StateFile } from '../schema/server-summary.ts';
import type { LiveSample } from './server-snapshot.ts';

/** Looks. Does not reject: what stands in the way is in the answer. */
export async function liveSample(server: ServerConfig): Promise<LiveSample> {
  const [receiver, health] = await Promise.all([observeReceiver(server), runHealth(server).catch(reportError)]);
  const run = isReportedError(health) ? undefined : health;
  const errors: Readonly<Record<StateFile, ReportedError | undefined>> = {
    'receive-wal.json': receiver.stateError,
    'holes.json': isReportedError(receiver.holes) ? receiver.holes : undefined,
    'run.json': isReportedError(health) ? health : health.stateError,
  };
  const files = Object.keys(errors) as readonly StateFile[];
  const unreadableFiles = files.flatMap((file) => {
    const error = errors[file];
    return error === undefined ? [] : [{ file, error }];
  });
  return { receiver, run, unreadableFiles };
}
