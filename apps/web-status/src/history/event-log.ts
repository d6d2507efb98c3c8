/** The events of all servers, bounded: the latest of each. */
import { type EventList, statusEvent, type StatusEvent } from '../schema/events.ts';
import type { EventBaseline } from './event-baseline.ts';
import type { NewEvent } from './events-between.ts';
import type { HistoryFile } from './history-file.ts';

/** So many events of a server are kept. */
const kept = 2000;

/** The events in a file. */
export class EventLog {
  readonly #file: HistoryFile;

  constructor(file: HistoryFile) {
    this.#file = file;
  }

  /** What was known at the last look; empty before the first. */
  baseline(server: string): EventBaseline {
    const [row] = this.#file.rows('SELECT seen FROM server WHERE id = ?', this.#file.serverId(server));
    const text = row?.['seen'];
    return typeof text === 'string' ? (JSON.parse(text) as EventBaseline) : {};
  }

  /** Keeps events together with what is known now, so that none is kept twice or lost. */
  note(server: string, events: readonly NewEvent[], baseline: EventBaseline): void {
    this.#file.atOnce(() => {
      const id = this.#file.serverId(server);
      this.#file.run('UPDATE server SET seen = ? WHERE id = ?', JSON.stringify(baseline), id);
      for (const { at, kind, severity, message, code, hint, lsn, timelineId } of events) {
        this.#file.run(
          'INSERT INTO event (server, at, kind, severity, message, code, hint, lsn, timeline) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
          id,
          Date.parse(at),
          kind,
          severity,
          message,
          code,
          hint,
          lsn,
          timelineId,
        );
      }
      if (events.length === 0) return;
      this.#file.run(
        'DELETE FROM event WHERE server = ?1 AND id <= (SELECT id FROM event WHERE server = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)',
        id,
        kept,
      );
    });
  }

  /** The latest first, by when they happened, which may have been seen later. @param before only those behind the one with this id */
  list(server: string, { before, limit }: { readonly before: number | undefined; readonly limit: number }): EventList {
    const rows = this.#file.rows(
      `SELECT * FROM event WHERE server = ?1 AND (?2 IS NULL OR (at, id) < (SELECT at, id FROM event WHERE id = ?2))
       ORDER BY at DESC, id DESC LIMIT ?3`,
      this.#file.serverId(server),
      before ?? null,
      limit + 1,
    );
    const events = rows.slice(0, limit).map((row) => eventOf(server, row));
    return { server, events, hasMore: rows.length > limit };
  }
}

function eventOf(server: string, row: Readonly<Record<string, unknown>>): StatusEvent {
  const { id, at, kind, severity, message, code, hint, lsn, timeline } = row;
  const time = new Date(Number(at)).toISOString();
  return statusEvent.parse({ id, server, at: time, kind, severity, message, code, hint, lsn, timelineId: timeline });
}
