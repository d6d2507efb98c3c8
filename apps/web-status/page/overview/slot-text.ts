/** A replication slot in a few words. */
import type { SlotSummary } from '../../src/schema/server-summary.ts';
import { formatBytes } from '../format/bytes.ts';
import type { Sign } from '../parts/icon.tsx';

/** Sign and word for each level. */
export function slotHealth(slot: SlotSummary): { readonly sign: Sign; readonly word: string } {
  if (slot.level === 'critical') return { sign: 'danger', word: slot.walStatus ?? 'critical' };
  if (slot.level === 'warning') return { sign: 'warning', word: slot.walStatus ?? 'warning' };
  if (slot.level === 'ok') return { sign: 'safe', word: slot.walStatus ?? 'ok' };
  return { sign: 'unknown', word: 'unknown' };
}

/** How much WAL it holds back on the server, and how much more it may. */
export function slotRoom({ retainedBytes, safeBytes }: SlotSummary): string {
  const held = retainedBytes === null ? 'held WAL unknown' : `holds ${formatBytes(retainedBytes)}`;
  return safeBytes === null ? held : `${held}, ${formatBytes(safeBytes)} left`;
}
