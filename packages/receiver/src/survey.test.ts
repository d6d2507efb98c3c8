import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatLsn, invalidLsn, type Lsn } from '@walvault/wal';
import { buildWal } from '@walvault/wal/testing';
import { describe, expect } from 'vitest';
import { lineageOf } from './lineage.ts';
import { type ScriptedFacts, withConnection } from './scripted-walsender.test-support.ts';
import { chooseStart, type StartPosition } from './start-position.ts';
import { beginAt, type Survey, surveyReceived, type SurveyOptions } from './survey.ts';
import { test } from './test-directory.test-support.ts';
import { HistoryFiles } from './timeline-history.ts';
import {
  archiveOf,
  at,
  layOut,
  nameOf,
  record,
  restFrom,
  segmentOf,
  size,
  startLsn,
  systemIdentifier,
  timeline1,
  timeline2,
  walOf,
} from './wal-directory.test-support.ts';

const server: ScriptedFacts = { systemIdentifier, flushLsn: at(9 * size) };
const short = walOf(Array.from({ length: 500 }, () => record(200)));
const over = walOf([record(size - 5000), record(10_000), record(200)]);
/** Timeline 1 up to here, then 2. */
const historyOf2 = (switchLsn: Lsn): string => `1\t${formatLsn(switchLsn)}\tno reason\n`;

async function survey(directory: string, facts: ScriptedFacts, options: Partial<SurveyOptions> = {}): Promise<Survey> {
  return withConnection(
    facts,
    async () => undefined,
    async (connection) => {
      const histories = new HistoryFiles({ connection, directory });
      const system = await connection.identifySystem();
      return await surveyReceived({ connection, system, directory, walSegmentSize: size, histories, ...options });
    },
  );
}

function startOf({ facts }: Survey): StartPosition {
  return chooseStart({ ...facts, slotRestartLsn: undefined, slotRestartTimelineId: undefined });
}

describe('what is known of a server', () => {
  test('is its way and how far it is, when nothing was received', async ({ directory }) => {
    const { facts, resume } = await survey(directory, server);
    expect(facts).toEqual({
      walSegmentSize: size,
      server: { lineage: lineageOf(timeline1, []), flushLsn: at(9 * size) },
      memory: undefined,
      directory: [],
      archive: undefined,
    });
    expect(resume).toBeUndefined();
  });

  test('is the way that its history file tells', async ({ directory }) => {
    const { facts } = await survey(directory, { ...server, timelineId: 2, history: ['00000002.history', historyOf2(at(100))] });
    expect(facts.server.lineage).toEqual([
      { timelineId: 1, endLsn: at(100) },
      { timelineId: 2, endLsn: undefined },
    ]);
  });
});

describe('the directory', () => {
  test('is trusted to the end of its last record, and a stream begins there', async ({ directory }) => {
    await layOut(directory, short, short.bytes.length - 100);
    const found = await survey(directory, server);
    const lsn = short.records.at(-2)!.endLsn;
    expect(found.facts.directory).toMatchObject([{ lsn, lineage: lineageOf(timeline1, []) }]);
    const { positions, checker } = beginAt(startOf(found), found.resume);
    expect(positions).toMatchObject({ writtenLsn: lsn, flushedLsn: lsn, verifiedLsn: lsn });
    expect(checker?.check(restFrom(short, lsn))).toBeUndefined();
  });

  test('with a segment of another cluster is refused', async ({ directory }) => {
    await layOut(directory, short);
    await expect(survey(directory, { ...server, systemIdentifier: 4711n })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_OTHER_CLUSTER' }),
    );
  });

  test('is read with the help of the archive, and of none when it is complete by itself', async ({ directory }) => {
    await writeFile(join(directory, `${nameOf(1)}.partial`), Buffer.concat([segmentOf(over, 1)], size));
    const { asked, openArchived } = archiveOf({ [nameOf(0)]: segmentOf(over, 0) });
    let asksForEnd = 0;
    const found = await survey(directory, server, {
      openArchived,
      archiveEnd: () => {
        asksForEnd += 1;
        return Promise.resolve(undefined);
      },
    });
    expect(found.resume?.lsn).toBe(over.endLsn);
    expect(new Set(asked)).toEqual(new Set([nameOf(0)]));
    expect(asksForEnd).toBe(0);
  });

  test('that is empty makes the archive tell its end', async ({ directory }) => {
    const end = { timelineId: timeline1, lsn: at(2 * size) };
    const found = await survey(directory, server, { archiveEnd: () => Promise.resolve(end) });
    expect(found.facts.archive).toEqual({ lineage: lineageOf(timeline1, []), lsn: at(2 * size) });
    expect(startOf(found)).toMatchObject({ lsn: at(2 * size), source: 'archive' });
  });

  test('is examined on every timeline that the server left', async ({ directory }) => {
    await layOut(directory, over);
    const switchLsn = over.records[0]!.endLsn;
    const onTimeline2 = buildWal({
      startLsn,
      timelineId: timeline2,
      systemIdentifier,
      walSegmentSize: size,
      items: [record(size - 5000), record(300)],
    });
    await writeFile(join(directory, `${nameOf(0, timeline2)}.partial`), Buffer.concat([onTimeline2.bytes], size));
    const found = await survey(directory, { ...server, timelineId: 2, history: ['00000002.history', historyOf2(switchLsn)] });
    expect(found.directory.latest?.name).toBe(`${nameOf(0, timeline2)}.partial`);
    expect(found.facts.directory.map(({ lsn }) => lsn)).toEqual([onTimeline2.endLsn, over.endLsn]);
    expect(startOf(found)).toMatchObject({
      timelineId: 2,
      lsn: onTimeline2.endLsn,
      divergence: { timelineId: 1, fromLsn: switchLsn, toLsn: over.endLsn },
    });
  });
});

test('the way to a timeline that was kept counts more than what the server says of a timeline of that number', async ({
  directory,
}) => {
  await writeFile(join(directory, '00000002.history'), historyOf2(at(5000)));
  await writeFile(join(directory, nameOf(1, timeline2)), Buffer.alloc(size));
  const found = await survey(directory, { ...server, timelineId: 2, history: ['00000002.history', historyOf2(at(100))] });
  expect(() => startOf(found)).toThrow(expect.objectContaining({ code: 'ERR_TIMELINE_NOT_IN_HISTORY' }));
});

describe('what this process has flushed', () => {
  test('counts along the way that it took', async ({ directory }) => {
    const flushed = { timelineId: timeline1, lsn: at(2 * size + 100) };
    const found = await survey(
      directory,
      { ...server, timelineId: 2, history: ['00000002.history', historyOf2(at(3 * size))] },
      { flushed },
    );
    expect(found.facts.memory).toEqual({ lineage: lineageOf(timeline1, []), lsn: flushed.lsn, acknowledgedLsn: flushed.lsn });
    expect(startOf(found)).toMatchObject({ timelineId: 1, lsn: at(2 * size), source: 'memory', acknowledgedLsn: flushed.lsn });
  });
});

describe('a stream', () => {
  test('that begins inside a record knows the record, and does not tell of it', async ({ directory }) => {
    await layOut(directory, over, size + 1000);
    const found = await survey(directory, server);
    const { positions, checker } = beginAt(startOf(found), found.resume);
    expect(positions).toMatchObject({ writtenLsn: at(size), flushedLsn: at(size), verifiedLsn: over.records[0]!.endLsn });
    expect(positions.report().flushLsn).toBe(over.records[0]!.endLsn);
    expect(checker?.check(restFrom(over, at(size)))).toBeUndefined();
  });

  const start: StartPosition = {
    timelineId: timeline1,
    lsn: at(size),
    acknowledgedLsn: invalidLsn,
    source: 'directory',
    divergence: undefined,
  };

  test.for([
    ['memory', { source: 'memory' }],
    ['archive', { source: 'archive' }],
    ['override', { source: 'override' }],
    ['another place', { lsn: at(2 * size) }],
    ['a branch', { divergence: { timelineId: timeline1, fromLsn: at(10), toLsn: at(20) } }],
  ] as const)('that begins elsewhere (%s) knows no record', async ([, other], { directory }) => {
    await layOut(directory, over, size + 1000);
    const { resume } = await survey(directory, server);
    expect(beginAt(start, resume).checker).toBe(resume?.checker);
    const { positions, checker } = beginAt({ ...start, ...other }, resume);
    expect(checker).toBeUndefined();
    expect(positions.verifiedLsn).toBe(positions.writtenLsn);
  });
});
