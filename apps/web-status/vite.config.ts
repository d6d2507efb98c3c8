/** How the page is built: into dist/page, with relative addresses, so that it works behind any path. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: new URL('page', import.meta.url).pathname,
  base: './',
  build: {
    outDir: new URL('dist/page', import.meta.url).pathname,
    emptyOutDir: true,
    target: 'es2022',
    // Nothing inline: the content security policy refuses it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
