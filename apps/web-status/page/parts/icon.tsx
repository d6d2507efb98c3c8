/** Signs. Each has a shape of its own, so that nobody needs to tell colours apart. */
import type { JSX } from 'preact';

const shapes = {
  safe: (
    <path d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.7 5.3-4.4 4.9a.8.8 0 0 1-1.2 0L4.3 9.3a.8.8 0 1 1 1.1-1.1l1.3 1.3 3.8-4.3a.8.8 0 1 1 1.2 1.1Z" />
  ),
  warning: (
    <path d="M9.1 1.7a1.3 1.3 0 0 0-2.2 0L.7 12.6a1.3 1.3 0 0 0 1.1 1.9h12.4a1.3 1.3 0 0 0 1.1-1.9ZM8 5c.5 0 .9.4.8.9l-.2 3.6a.6.6 0 0 1-1.2 0L7.2 5.9A.8.8 0 0 1 8 5Zm0 8a.9.9 0 1 1 0-1.8A.9.9 0 0 1 8 13Z" />
  ),
  danger: (
    <path d="M5.3.9a1 1 0 0 0-.7.3L1.2 4.6a1 1 0 0 0-.3.7v5.4c0 .3.1.5.3.7l3.4 3.4c.2.2.4.3.7.3h5.4c.3 0 .5-.1.7-.3l3.4-3.4a1 1 0 0 0 .3-.7V5.3a1 1 0 0 0-.3-.7L11.4 1.2a1 1 0 0 0-.7-.3Zm.5 3.9L8 7l2.2-2.2a.7.7 0 1 1 1 1L9 8l2.2 2.2a.7.7 0 1 1-1 1L8 9l-2.2 2.2a.7.7 0 1 1-1-1L7 8 4.8 5.8a.7.7 0 1 1 1-1Z" />
  ),
  unknown: (
    <path d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11Zm0 2C6.7 4.5 5.7 5.3 5.7 6.5a.7.7 0 0 0 1.4 0c0-.4.4-.7.9-.7s.9.3.9.8c0 .4-.2.6-.7.9-.6.4-.9.8-.9 1.5v.2a.7.7 0 0 0 1.4 0c0-.2.1-.3.5-.6.6-.4 1.1-1 1.1-2C10.3 5.3 9.3 4.5 8 4.5Zm0 5.8a.8.8 0 1 0 0 1.6.8.8 0 0 0 0-1.6Z" />
  ),
  info: <circle cx="8" cy="8" r="4" />,
} as const;

/** Names of the signs. */
export type Sign = keyof typeof shapes;

/** A sign beside a word that says the same. */
export function Icon({ sign }: { readonly sign: Sign }): JSX.Element {
  return (
    <svg class={`icon icon-${sign}`} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill-rule="evenodd">
      {shapes[sign]}
    </svg>
  );
}
