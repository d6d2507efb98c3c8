/** @walvault/slots: create, look up, judge and drop physical replication slots. */
export { createSlot } from './create-slot.ts';
export { dropSlot } from './drop-slot.ts';
export type { DropSlotOptions } from './drop-slot.ts';
export {
  InvalidSlotNameError,
  SlotError,
  SlotExistsError,
  SlotInUseError,
  SlotMissingError,
  SlotsExhaustedError,
  SlotWrongTypeError,
} from './errors.ts';
export type { SlotErrorCode } from './errors.ts';
export { judgeSlot } from './judge-slot.ts';
export type { JudgeSlotOptions, SlotVerdict } from './judge-slot.ts';
export { readSlot } from './read-slot.ts';
export type { ReplicationSlot, SlotWalStatus } from './replication-slot.ts';
export { slotFromRow } from './slot-row.ts';
export type { SlotRow } from './slot-row.ts';
export { validateSlotName } from './slot-name.ts';
