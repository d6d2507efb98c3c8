/** What is done for a server now and then: deletion of WAL by its retention policy, and healing of holes and bad segments. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveEmptyError } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { type Logger, WalvaultError } from '@walvault/wal';
import { deleteServerWal, isDeletionDue } from '../delete-server-wal.ts';
import { healServer } from '../heal-server.ts';
import type { LiveServerConfig } from '../live-server-config.ts';
import { isThere } from '../server-paths.ts';
import { reportError } from '../state-publisher.ts';
import type { Duty } from './duty.ts';
import type { Turns } from './turns.ts';

/** What the upkeep of a server works with. */
export interface UpkeepOptions {
  readonly live: LiveServerConfig;
  readonly deletion: Duty;
  readonly healing: Duty;
  readonly turns: Turns;
  readonly stop: AbortSignal;
  readonly log: Logger;
}

const lookEveryMs = 60_000;
const healEveryMs = 3_600_000;
/** After the start the receiver may still fill by itself what seems to be missing. */
const firstHealAfterMs = 300_000;
/** For an archiver that is at work. */
const patienceMs = 10_000;

/** The upkeep of one server. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  #healAtMs = performance.now() + firstHealAfterMs;
  #wakeUp = Promise.withResolvers<void>();
  #toldOfUnhealed = '';

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** To be called when damage was found: it is healed at once, as far as it can be. */
  healNow(): void {
    this.#healAtMs = 0;
    this.#wakeUp.resolve();
  }

  /** Does what is due until it is stopped. Never rejects. */
  async keepUp(): Promise<void> {
    const { live, stop, deletion, healing } = this.#options;
    while (!stop.aborted) {
      this.#wakeUp = Promise.withResolvers();
      await Promise.race([this.#wakeUp.promise, sleep(lookEveryMs, undefined, { signal: stop }).catch(() => undefined)]);
      if (stop.aborted) return;
      if (await this.#isDeletionDue(live.current)) await this.#do(deletion, () => this.#delete(live.current));
      if (performance.now() < this.#healAtMs || !(await isThere(live.current.directories.wals))) continue;
      this.#healAtMs = performance.now() + healEveryMs;
      await this.#do(healing, () => this.#heal(live.current));
    }
  }

  async #isDeletionDue(server: ServerConfig): Promise<boolean> {
    // What cannot be looked at is told by the deletion itself.
    return isDeletionDue(server).catch((error: unknown) => WalvaultError.is(error));
  }

  /** Trouble is told, and the same trouble once. */
  async #do(duty: Duty, work: () => Promise<void>): Promise<void> {
    const { turns, stop, log } = this.#options;
    try {
      using _ = await turns.take(stop);
      duty.enter('working');
      await work();
      duty.enter('idle');
    } catch (error) {
      if (stop.aborted) return;
      if (error instanceof ArchiveEmptyError) return duty.enter('idle');
      const trouble = reportError(error);
      const { code, message, hint } = trouble;
      const what = duty === this.#options.deletion ? 'deletion' : 'healing';
      log[duty.waitsFor(trouble) ? 'error' : 'debug'](
        { code, error: message, hint },
        `${what} of WAL failed; trying again later`,
      );
    }
  }

  async #delete(server: ServerConfig): Promise<void> {
    const { stop, log } = this.#options;
    const report = await deleteServerWal(server, { signal: stop, patienceMs, log });
    if (report === 'busy') log.debug({}, 'deletion of WAL is put off: another process is at work');
  }

  async #heal(server: ServerConfig): Promise<void> {
    const { stop, log } = this.#options;
    const report = await healServer(server, {
      signal: stop,
      log,
      onHealed: ({ name }) => log.info({ file: name }, 'healed'),
    });
    if (report === 'busy') return;
    const unhealed = report.unhealed.map(({ name }) => name).join(', ');
    if (unhealed !== this.#toldOfUnhealed && unhealed !== '') log.warn({ files: unhealed }, 'damage that could not be healed');
    this.#toldOfUnhealed = unhealed;
  }
}
