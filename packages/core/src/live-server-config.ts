/**
 * The configuration that a receiver works by, which can be given anew while it runs.
 *
 * What is only looked at now and then counts at once; what a stream is made with counts from a new stream on, for which the old
 * one is ended in good order; where the files are cannot change under a running receiver.
 */
import type { ServerConfig } from '@walvault/config';

/** Options by what becomes of a change. The names are those of the configuration file. */
export interface AppliedChanges {
  /** They count from now on. */
  readonly atOnce: readonly string[];
  /** They count from the next stream on, which begins as soon as the one that runs has ended in good order. */
  readonly newStream: readonly string[];
  /** They do not count before the receiver is started anew; the old values stay. */
  readonly restart: readonly string[];
}

type Read = (server: ServerConfig) => unknown;

const atOnce: Readonly<Record<string, Read>> = {
  gap_policy: (server) => server.gapPolicy,
  create_slot: (server) => server.createSlot,
  wal_conninfo: (server) => server.walConninfo,
  slot_policy: (server) => server.slotPolicy,
  slot_retained_limit: (server) => server.slotRetainedLimit,
  log_level: (server) => server.logLevel,
  archive_when_complete: (server) => server.archiveWhenComplete,
};

const newStream: Readonly<Record<string, Read>> = {
  streaming_conninfo: (server) => server.walStreamingConninfo ?? server.conninfo,
  streaming_archiver_name: (server) => server.streamingArchiverName,
  slot_name: (server) => server.slotName,
  flush: (server) => server.flush,
  verify_stream: (server) => server.verifyStream,
  status_interval: (server) => server.statusIntervalMs,
};

const restart: Readonly<Record<string, Read>> = {
  backup_directory: (server) => server.directories.backup,
  streaming_wals_directory: (server) => server.directories.streaming,
  wals_directory: (server) => server.directories.wals,
  incoming_wals_directory: (server) => server.directories.incoming,
  errors_directory: (server) => server.directories.errors,
  barman_lock_directory: (server) => server.lockDirectory,
  log_file: (server) => server.logFile,
};

/** What is different between two configurations of a server, by what becomes of it. */
export function changesBetween(old: ServerConfig, next: ServerConfig): AppliedChanges {
  const differing = (options: Readonly<Record<string, Read>>): readonly string[] =>
    Object.keys(options).filter((name) => options[name]?.(old) !== options[name]?.(next));
  return { atOnce: differing(atOnce), newStream: differing(newStream), restart: differing(restart) };
}

/** A server whose configuration can be replaced. */
export class LiveServerConfig {
  #current: ServerConfig;
  #streamEnd = new AbortController();
  #change = new AbortController();

  constructor(server: ServerConfig) {
    this.#current = server;
  }

  /** The configuration as it counts now. */
  get current(): ServerConfig {
    return this.#current;
  }

  /** Aborted when a stream that was begun by the configuration of now should end, so that a new one can begin. */
  get streamEnd(): AbortSignal {
    return this.#streamEnd.signal;
  }

  /** Aborted by the next change of any kind. */
  get change(): AbortSignal {
    return this.#change.signal;
  }

  /** Gives it another configuration of the same server, and tells what becomes of what is different. */
  apply(next: ServerConfig): AppliedChanges {
    const old = this.#current;
    const changes = changesBetween(old, next);
    const { directories, lockDirectory, logFile } = old;
    this.#current = { ...next, directories, lockDirectory, logFile };
    if (changes.newStream.length > 0) this.#streamEnd = replaced(this.#streamEnd);
    if (changes.newStream.length > 0 || changes.atOnce.length > 0) this.#change = replaced(this.#change);
    return changes;
  }
}

/** Aborts a controller and gives a fresh one for what comes after. */
function replaced(controller: AbortController): AbortController {
  controller.abort(new DOMException('the configuration has changed', 'AbortError'));
  return new AbortController();
}
