/** The passing of time: what says "5 s ago" is drawn anew each second, and only where its text changes. */
import { useEffect, useState } from 'preact/hooks';
import { serverNow } from './live-state.ts';

const listeners = new Set<() => void>();
setInterval(() => {
  for (const listener of listeners) listener();
}, 1000);

/** A text made from what time it is on the server. */
export function useClockText(text: (nowMs: number) => string): string {
  const current = text(serverNow());
  const [, draw] = useState('');
  useEffect(() => {
    const tick = (): void => draw(text(serverNow()));
    listeners.add(tick);
    return () => {
      listeners.delete(tick);
    };
  });
  return current;
}
