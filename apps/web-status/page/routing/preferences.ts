/** What somebody has chosen, kept in this browser. */
import type { Zone } from '../format/time.ts';
import { Store } from '../live/store.ts';

/** `auto` follows the system. */
export type Theme = 'auto' | 'light' | 'dark';

/** The zone of all times. */
export const zone = new Store<Zone>(kept('zone') === 'utc' ? 'utc' : 'local');

/** Light or dark. */
export const theme = new Store<Theme>(themeOf(kept('theme')));

zone.listen(() => keep('zone', zone.value));
theme.listen(() => keep('theme', theme.value));
theme.listen(applyTheme);
applyTheme();

function applyTheme(): void {
  document.documentElement.dataset['theme'] = theme.value;
}

function themeOf(text: string | null): Theme {
  return text === 'light' || text === 'dark' ? text : 'auto';
}

// A browser may refuse to keep anything; then the choice lasts as long as the page.
function kept(name: string): string | null {
  try {
    return localStorage.getItem(`walvault-${name}`);
  } catch {
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`walvault-${name}`, value);
  } catch {
    // see above
  }
}
