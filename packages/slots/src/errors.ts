/** What can go wrong with a replication slot. Told apart by SQLSTATE; the server's own words are in the message or the cause. */
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of this package. */
export type SlotErrorCode =
  /**
   * A name cannot be that of a replication slot.
   *
   * @why Those have 1 to 63 characters out of a-z, 0-9 and underscore.
   * @do Correct `slot_name` in the section of the server.
   * @retry fatal
   */
  | 'ERR_INVALID_SLOT_NAME'
  /**
   * There is a slot of this name already.
   *
   * @why It was created before, or belongs to another receiver that uses the same name.
   * @do If it is ours there is nothing to do; `walvault receive-wal --create-slot --if-not-exists SERVER` takes that for success.
   * If it is that of another receiver, set another `slot_name`.
   * @retry fatal
   */
  | 'ERR_SLOT_EXISTS'
  /**
   * The server has no room for one more slot.
   *
   * @why As many slots exist as `max_replication_slots` allows; often some that nobody needs any more.
   * @do Look at them: `SELECT slot_name, active, restart_lsn FROM pg_replication_slots`. Drop one that nobody needs by `SELECT
   * pg_drop_replication_slot('NAME')`, or raise `max_replication_slots` and restart the server.
   * @retry fatal
   */
  | 'ERR_SLOTS_EXHAUSTED'
  /**
   * There is no slot of this name, so the server keeps no WAL for us.
   *
   * @why It was never created or was dropped; or after a failover: the new primary does not have the slot of the old one.
   * @do Create it: `walvault receive-wal --create-slot SERVER`. Do it soon: until then the server may remove WAL that is not here
   * yet.
   * @retry fatal
   */
  | 'ERR_SLOT_MISSING'
  /**
   * Another process of the server streams by this slot. Two receivers cannot share one.
   *
   * @why A second receiver with the same `slot_name`; or, after a broken connection, our own old one, which the server gives up
   * after `wal_sender_timeout`.
   * @do See who it is: `SELECT a.* FROM pg_stat_activity a JOIN pg_replication_slots s ON s.active_pid = a.pid WHERE s.slot_name =
   * 'NAME'`. Give each receiver a slot of its own.
   * @retry retry
   */
  | 'ERR_SLOT_IN_USE'
  /**
   * The slot is a logical one, which belongs to a subscription or another decoder. It was not touched.
   *
   * @why `slot_name` is a name that somebody else uses.
   * @do Set another `slot_name`, then `walvault receive-wal --create-slot SERVER`.
   * @retry fatal
   */
  | 'ERR_SLOT_WRONG_TYPE';

/** Base of the errors about one slot. */
export abstract class SlotError extends WalvaultError {
  abstract override readonly code: SlotErrorCode;
  readonly retry: RetryAdvice = 'fatal';
  readonly slotName: string;

  constructor(slotName: string, message: string, options?: WalvaultErrorOptions) {
    super(message, options);
    this.slotName = slotName;
  }
}

/** The name cannot be that of a slot. Nothing was sent. */
export class InvalidSlotNameError extends SlotError {
  readonly code = 'ERR_INVALID_SLOT_NAME';
}

/** There is a slot of this name already (SQLSTATE 42710). */
export class SlotExistsError extends SlotError {
  readonly code = 'ERR_SLOT_EXISTS';
}

/** All slots of the server are taken (SQLSTATE 53400). */
export class SlotsExhaustedError extends SlotError {
  readonly code = 'ERR_SLOTS_EXHAUSTED';
}

/** There is no slot of this name (SQLSTATE 42704). */
export class SlotMissingError extends SlotError {
  readonly code = 'ERR_SLOT_MISSING';
}

/** Somebody streams by the slot (SQLSTATE 55006). Trying again helps when that was our own broken connection. */
export class SlotInUseError extends SlotError {
  readonly code = 'ERR_SLOT_IN_USE';
  override readonly retry = 'retry';
  /** Process id of the walsender on the server, when the server told it. */
  readonly activePid: number | undefined;

  constructor(slotName: string, activePid: number | undefined, options?: WalvaultErrorOptions) {
    const user = activePid === undefined ? 'another process' : `process ${activePid} of the server`;
    super(slotName, `replication slot "${slotName}" is in use by ${user}`, options);
    this.activePid = activePid;
  }
}

/** The slot is a logical one. It was left alone. */
export class SlotWrongTypeError extends SlotError {
  readonly code = 'ERR_SLOT_WRONG_TYPE';
}
