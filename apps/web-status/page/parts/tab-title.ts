/** Title and icon of the tab tell of trouble, too: a page that is kept open is mostly not looked at. */
import { isStale, live } from '../live/live-state.ts';
import { headline, tally, worst } from '../overview/ranking.ts';

const marks = { danger: '✖ ', warning: '▲ ', unknown: '? ', safe: '' } as const;

/** Keeps both as things are. */
export function keepTabTitle(): void {
  live.listen(show);
  show();
}

function show(): void {
  const { servers } = live.value;
  const counts = tally(servers?.values() ?? []);
  const verdict = isStale(live.value) || servers === undefined ? 'unknown' : worst(counts);
  const text = servers === undefined ? 'walvault' : `${marks[verdict]}${headline(counts, servers.size)} – walvault`;
  if (document.title !== text) document.title = text;
  const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  const address = `./icon-${verdict}.svg`;
  if (icon !== null && icon.getAttribute('href') !== address) icon.setAttribute('href', address);
}
