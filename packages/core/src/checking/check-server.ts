/** All that is to be checked of a server, in Barman's order, then what only we check. Nothing is made, archived or switched for it. */
import type { ServerConfig } from '@walvault/config';
import { CoreError } from '../errors.ts';
import { isReportedError } from '../receiver-state.ts';
import {
  archiverErrors,
  compressionSettings,
  directories,
  emptyDirectories,
  queues,
  retentionPolicy,
  walArchive,
  walMaximumAge,
  walSize,
} from './archive-checks.ts';
import { type CheckFacts, gatherFacts } from './check-facts.ts';
import { type CheckResult, failed } from './check-result.ts';
import { connections, standby, systemIdCoherence } from './connection-checks.ts';
import { Deadline } from './deadline.ts';
import { holes } from './hole-check.ts';
import * as ours from './own-checks.ts';
import { receiveWalRunning, serverArchiving } from './process-checks.ts';

/** How to check. */
export interface CheckOptions {
  /** What the check of the server may take in all, in milliseconds; `check_timeout` unless given, 0 for no limit. */
  readonly timeoutMs?: number | undefined;
}

/** Checks a server. Never rejects for what is wrong with it: that is a result. */
export async function checkServer(server: ServerConfig, options: CheckOptions = {}): Promise<readonly CheckResult[]> {
  return (await inspectServer(server, options)).results;
}

/** The results, and what they were judged by. */
export interface ServerInspection {
  readonly results: readonly CheckResult[];
  /** Undefined when the files of this machine could not be looked at in time. */
  readonly facts: CheckFacts | undefined;
}

/** Checks a server as {@link checkServer} does, for somebody who wants to see what was found out as well, without asking twice. */
export async function inspectServer(server: ServerConfig, options: CheckOptions = {}): Promise<ServerInspection> {
  using deadline = new Deadline(options.timeoutMs ?? server.checkTimeoutMs);
  try {
    const facts = await gatherFacts(server, deadline);
    const results = judge(facts);
    return { facts, results: deadline.isShort && wasCutShort(facts) ? [...results, timedOut] : results };
  } catch (error) {
    if (error instanceof CoreError && error.code === 'ERR_NO_ANSWER_IN_TIME') return { facts: undefined, results: [timedOut] };
    throw error;
  }
}

const timedOut = failed('check timeout', 'walvault check command timed out');

/** The judgement, a pure function of what was found out. */
export function judge(facts: CheckFacts): readonly CheckResult[] {
  const ofConnections = facts.server.passive ? [] : [...connections(facts), ...standby(facts)];
  const results = [
    walArchive(facts),
    ...emptyDirectories(facts),
    ...queues(facts),
    ...ofConnections,
    directories(facts),
    retentionPolicy(),
    walMaximumAge(facts),
    walSize(facts),
    compressionSettings(facts),
    ...systemIdCoherence(facts),
    ...receiveWalRunning(facts),
    ...serverArchiving(facts),
    archiverErrors(facts),
    ...ours.monitoringPrivileges(facts),
    ...ours.receiveLag(facts),
    ...ours.lastReceived(facts),
    ...ours.slotRetention(facts),
    holes(facts),
    ours.freeSpace(facts),
    ours.archiveQueue(facts),
    ours.verification(facts),
    ...ours.recoveryPoint(facts),
  ];
  return results.filter((result) => result !== undefined);
}

function wasCutShort({ observation, backupHost, primary }: CheckFacts): boolean {
  const parts = [observation.streaming, observation.sql, backupHost?.streaming, backupHost?.sql, primary];
  return parts.some((part) => part !== undefined && isReportedError(part) && part.code === 'ERR_NO_ANSWER_IN_TIME');
}
