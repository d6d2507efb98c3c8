import { expect, test } from 'vitest';
import { segmentName, TestServer } from '../../testing.ts';
import { verifyWal } from '../verifying.ts';

test('no WAL at all is told from a first segment that is still being received', async () => {
  await using server = await TestServer.create();
  const verify = () => verifyWal({ reading: server.reading, signal: new AbortController().signal });
  await expect(verify()).rejects.toMatchObject({ code: 'ERR_ARCHIVE_EMPTY' });
  await server.stream(`${segmentName(1, 1)}.partial`);
  await expect(verify()).rejects.toMatchObject({
    code: 'ERR_NOTHING_TO_VERIFY',
    message: `no segment is complete yet, only "${segmentName(1, 1)}.partial" is there`,
  });
});
