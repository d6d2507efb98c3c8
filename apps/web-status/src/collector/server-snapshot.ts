/** What is known of a server at a moment: the last samples, each with its time. All answers, events and metrics are views of it. */
import type { ServerInspection } from '@walvault/core/checking';
import type { ReceiverObservation } from '@walvault/core/observing';
import type { RunHealth } from '@walvault/core/running';
import type { ServerConfig } from '@walvault/core';
import type { ReportedError } from '@walvault/core/observing';
import type { StateFile } from '../schema/server-summary.ts';
import type { Survey, SurveyedArchive } from '../survey/surveyed-archive.ts';

/** Something that was looked at, and when that was over, in milliseconds since 1970. */
export interface Sampled<T> {
  readonly at: number;
  readonly value: T;
}

/** A file that the processes of this machine publish about a server, and that cannot be read or holds something else. */
export interface UnreadableFile {
  readonly file: StateFile;
  readonly error: ReportedError;
}

/** What the processes of this machine publish about a server. */
export interface LiveSample {
  readonly receiver: ReceiverObservation;
  /** Undefined when it cannot be found out. */
  readonly run: RunHealth | undefined;
  readonly unreadableFiles: readonly UnreadableFile[];
}

/** Frozen; each sample of a server makes a new one. */
export interface ServerSnapshot {
  readonly server: ServerConfig;
  /** Every other second. */
  readonly live: Sampled<LiveSample> | undefined;
  /** Every 15 seconds: what the PostgreSQL server answers, and what the checks say. */
  readonly inspection: Sampled<ServerInspection> | undefined;
  /** Every minute, and when the last archived segment is another one. */
  readonly archive: Sampled<Survey | ReportedError> | undefined;
  /** To ask the archive of that look; `find` of an older snapshot does not answer. */
  readonly index?: SurveyedArchive | undefined;
}
