/** Looks at real archives in a real thread, which may die, and of which one may hang. */
import { execFileSync } from 'node:child_process';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { isReportedError } from '@walvault/core/surveying';
import { parseLsn } from '@walvault/wal';
import { expect, test } from 'vitest';
import { unreachable } from '../api/silent-app.test-support.ts';
import { Collector } from '../collector/collector.ts';
import { configured } from '../collector/configured.test-support.ts';
import type { SurveyedArchive } from './surveyed-archive.ts';
import { Surveyor } from './surveyor.ts';

const dyingThread = new URL('dying-thread.test-support.ts', import.meta.url);
const quickly = { liveMs: 100, inspectionMs: 60_000, archiveMs: 50 };

/** Two servers with an archive that holds nothing but its directories. */
async function twoArchives() {
  const fixture = await configured({ one: unreachable, other: unreachable });
  for (const { directories } of fixture.servers)
    for (const directory of [directories.wals, directories.streaming]) await mkdir(directory, { recursive: true });
  return fixture;
}

function found(archive: Awaited<ReturnType<Surveyor['survey']>>): SurveyedArchive {
  if (isReportedError(archive)) throw new Error(archive.message);
  return archive;
}

const question = {
  request: { target: { kind: 'lsn', lsn: parseLsn('0/1') }, inclusive: true },
  receivedLsn: undefined,
  restoreCommandLine: '',
  action: 'pause',
} as const;

test('a thread that dies is trouble of what was asked of it, and the next look has another one', async () => {
  await using fixture = await twoArchives();
  using surveyor = new Surveyor({ thread: dyingThread });
  const [one, other] = fixture.servers;
  const lost: string[] = [];
  const kept = found(await surveyor.survey(other!, () => lost.push('other')));
  expect(kept.survey.timelines).toEqual([]);
  expect(Object.isFrozen(kept) && Object.isFrozen(kept.survey)).toBe(true);
  expect(await kept.find(question)).toBeUndefined();
  await writeFile(fixture.path('one', 'deadly'), '');
  expect(await surveyor.survey(one!, () => lost.push('one'))).toMatchObject({
    code: 'ERR_SURVEY_DIED',
    message: expect.stringContaining('it was deadly') as string,
  });
  expect(lost).toEqual(['other']);
  await expect(kept.find(question)).rejects.toMatchObject({ code: 'ERR_SURVEY_DIED' });
  await rm(fixture.path('one', 'deadly'));
  const again = found(await surveyor.survey(one!, () => lost.push('one')));
  expect(await again.find(question)).toBeUndefined();
  again[Symbol.dispose]();
  await expect(kept.find(question)).rejects.toMatchObject({ code: 'ERR_SURVEY_DIED' });
});

test('an archive that hangs is told, and looked at again when it is back; the others are looked at meanwhile', async () => {
  await using fixture = await twoArchives();
  const pipe = fixture.path('one', 'identity.json');
  // Whoever reads it waits for somebody who writes.
  execFileSync('mkfifo', [pipe]);
  using collector = new Collector(fixture.servers, quickly, { limitMs: 1000 });
  const archive = (name: string) => collector.snapshot(name)?.archive;
  await expect.poll(() => archive('one')?.value).toMatchObject({ code: 'ERR_SURVEY_LATE' });
  const toldAt = archive('one')?.at ?? 0;
  const lookedAfterwards = () => {
    const { at = 0, value } = archive('other') ?? {};
    return value !== undefined && !isReportedError(value) && at > toldAt;
  };
  await expect.poll(lookedAfterwards).toBe(true);
  expect(archive('one')?.value).toMatchObject({ code: 'ERR_SURVEY_LATE' });
  const writer = await open(pipe, 'w');
  await rm(pipe);
  await writer.close();
  await expect.poll(() => archive('one')?.value).toMatchObject({ timelines: [] });
});

test('what stands in the way in the thread is told as it is', async () => {
  await using fixture = await twoArchives();
  using surveyor = new Surveyor();
  const [one] = fixture.servers;
  const look = async () => surveyor.survey(one!, () => undefined);
  await writeFile(fixture.path('one', 'walvault.sqlite'), 'no catalogue at all');
  expect(await look()).toMatchObject({ survey: { catalog: { code: expect.stringMatching(/^ERR_CATALOG_/) as string } } });
  await mkdir(fixture.path('one', 'wals', '0000000100000000'));
  await writeFile(fixture.path('one', 'wals', '0000000100000000', '000000010000000000000001'), '');
  expect(await look()).toMatchObject({ code: 'ERR_WAL_FILE_WRONG_SIZE', hint: expect.any(String) as string });
});
