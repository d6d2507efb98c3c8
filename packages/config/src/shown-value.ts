/** Options as values for showing: numbers and yes or no as such, everything else as its text. */
import { allOptions } from './option-names.ts';
import { backupOptions } from './backup-options.ts';
import { booleanType } from './option-types.ts';

/** A value for showing; null when the option is not set. */
export type ShownValue = string | number | boolean | null;

/**
 * The value of an option, from the text that a server's or the global `settings` have for it. Seconds are seconds.
 * @param name of the option; one that is not known has a text
 */
export function shownValue(name: string, text: string | undefined): ShownValue {
  if (text === undefined) return null;
  const kind = kindOf(name);
  if (kind === 'boolean') return booleanType.parse(text) ?? text;
  return kind === 'number' && /^\d{1,15}$/.test(text) ? Number(text) : text;
}

/** Options about base backups are texts here; their defaults tell what Barman takes them for. */
function kindOf(name: string): 'boolean' | 'number' | 'text' {
  const option = allOptions.get(name);
  const fallback = backupOptions.get(name)?.default ?? '';
  if (option?.type === booleanType || ['true', 'false', 'on', 'off'].includes(fallback)) return 'boolean';
  const isNumber = option?.type.name === 'whole number' || option?.type.name === 'seconds' || /^\d+$/.test(fallback);
  return isNumber ? 'number' : 'text';
}
