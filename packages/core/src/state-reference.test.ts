import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatStateReference } from './state-reference.ts';

test('docs/state.md says what the types say', async () => {
  await expect(formatStateReference()).toMatchFileSnapshot(join(import.meta.dirname, '../../../docs/state.md'));
});
