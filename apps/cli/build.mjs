// Builds dist/, or the directory that is named: the program with all packages of ours in few files, since finding and opening 240 modules
// takes longer than running them. What others wrote stays a dependency. Commands remain files of their own, loaded when they are called;
// names are kept, so that a stack trace can be read.
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const [, , directory = at('dist')] = process.argv;

rmSync(directory, { recursive: true, force: true });
const bundle = await rolldown({
  input: {
    main: at('src/main.ts'),
    // Threads are begun by the names of their files, which lie beside whoever begins them.
    'content-thread': at('../../packages/archiver/src/content/content-thread.ts'),
    'hash-thread': at('../../packages/archiver/src/verifying/hash-thread.ts'),
  },
  platform: 'node',
  resolve: { conditionNames: ['@walvault/source', 'node', 'import', 'default'] },
  external: (name) => /^[^./]/.test(name) && !name.startsWith('@walvault/'),
});
await bundle.write({ dir: directory, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' });
