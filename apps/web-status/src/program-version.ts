/** Version of this program, as its package says. */
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };

/** `1.2.3`. */
export const programVersion: string = manifest.version;
