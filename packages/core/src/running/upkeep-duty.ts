/** What is done for a server now and then: deletion of WAL by its retention policy, and healing of holes and bad segments. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ArchiveEmptyError } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { type Logger, WalvaultError } from '@walvault/wal';
import { deleteServerWal, isDeletionDue } from '../delete-server-wal.ts';
import { CoreError } from '../errors.ts';
import { healServer } from '../heal-server.ts';
import type { LiveServerConfig } from '../live-server-config.ts';
import { isThere } from '../server-paths.ts';
import { reportError } from '../state-publisher.ts';
import type { Duty } from './duty.ts';
import type { Turn, Turns } from './turns.ts';

/** What the upkeep of a server works with. */
export interface UpkeepOptions {
  readonly live: LiveServerConfig;
  readonly deletion: Duty;
  readonly healing: Duty;
  /** One at a time that changes the archive of this server. */
  readonly ownTurns: Turns;
  readonly turns: Turns;
  /** Called when damage was healed, and none is left. */
  readonly onHealed: () => void;
  readonly stop: AbortSignal;
  readonly log: Logger;
}

const lookEveryMs = 60_000;
const healEveryMs = 3_600_000;
/** After the start the receiver may still fill by itself what seems to be missing. */
const firstHealAfterMs = 300_000;
/** For an archiver of another process that is at work. */
const patienceMs = 10_000;
/** Put off for so long, the deletion is trouble that somebody should know of. */
const putOffForLongMs = 3_600_000;

/** The upkeep of one server. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  #healAtMs = performance.now() + firstHealAfterMs;
  #wakeUp = Promise.withResolvers<void>();
  #toldOfUnhealed = '';
  #putOffSince: Date | undefined;

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  /** To be called when damage was found: it is healed at once, as far as it can be. */
  healNow(): void {
    this.#healAtMs = 0;
    this.lookNow();
  }

  /** To be called when something may be due that was not before. */
  lookNow(): void {
    this.#wakeUp.resolve();
  }

  /** Does what is due until it is stopped. Never rejects. */
  async keepUp(): Promise<void> {
    const { live, stop, deletion, healing } = this.#options;
    while (!stop.aborted) {
      this.#wakeUp = Promise.withResolvers();
      await Promise.race([this.#wakeUp.promise, sleep(lookEveryMs, undefined, { signal: stop }).catch(() => undefined)]);
      if (stop.aborted) return;
      if (await this.#isDeletionDue(live.current)) await this.#do(deletion, (turn) => this.#delete(live.current, turn));
      if (performance.now() < this.#healAtMs || !(await isThere(live.current.directories.wals))) continue;
      this.#healAtMs = performance.now() + healEveryMs;
      await this.#do(healing, (turn) => this.#heal(live.current, turn));
    }
  }

  async #isDeletionDue(server: ServerConfig): Promise<boolean> {
    // What cannot be looked at is told by the deletion itself.
    return isDeletionDue(server).catch((error: unknown) => WalvaultError.is(error));
  }

  /** Trouble is told, and the same trouble once. */
  async #do(duty: Duty, work: (turn: Turn) => Promise<void>): Promise<void> {
    const { turns, stop, log } = this.#options;
    try {
      using turn = await turns.take(stop);
      duty.enter('working');
      await work(turn);
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

  /** Between two passes of the archiver, however much waits for that. */
  async #delete(server: ServerConfig, turn: Turn): Promise<void> {
    const { ownTurns, stop, log } = this.#options;
    using own = await ownTurns.take(stop);
    const onFile = (): void => {
      own.gotOn();
      turn.gotOn();
    };
    const report = await deleteServerWal(server, { signal: stop, patienceMs, log, onFile });
    if (report === 'busy') this.#putOff(server);
    else this.#putOffSince = undefined;
  }

  /** It is soon due again. */
  #putOff({ name }: ServerConfig): void {
    this.#putOffSince ??= new Date();
    this.#options.log.debug({}, 'deletion of WAL is put off: another process is at work');
    if (Date.now() - this.#putOffSince.getTime() < putOffForLongMs) return;
    const since = this.#putOffSince.toISOString();
    const message = `deletion of WAL has been put off since ${since}: another process archives for server ${name} all the time`;
    throw new CoreError('ERR_ALREADY_RUNNING', message, {
      hint: `See who does, and why it has so much to do: walvault list-processes ${name}, walvault status ${name}`,
      retry: 'retry',
    });
  }

  async #heal(server: ServerConfig, turn: Turn): Promise<void> {
    const { onHealed, stop, log } = this.#options;
    const report = await healServer(server, {
      signal: stop,
      log,
      onHealed: ({ name }) => {
        turn.gotOn();
        log.info({ file: name }, 'healed');
      },
    });
    if (report === 'busy') return;
    const counts = { healed: report.healed.length, unhealed: report.unhealed.length };
    if (counts.healed > 0 && counts.unhealed === 0) onHealed();
    if (counts.healed > 0) log.info(counts, 'healing is done');
    const unhealed = report.unhealed.map(({ name }) => name).join(', ');
    if (unhealed !== this.#toldOfUnhealed && unhealed !== '') log.warn({ files: unhealed }, 'damage that could not be healed');
    this.#toldOfUnhealed = unhealed;
  }
}
