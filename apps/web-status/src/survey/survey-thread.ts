/** The thread that looks at archives and keeps what it has found, to be asked about: see surveyor.ts. */
import { parentPort } from 'node:worker_threads';
import type { ServerConfig } from '@walvault/core';
import {
  type FoundServerTarget,
  type IndexedFindOptions,
  openServerArchiveIndex,
  type ReportedError,
  reportError,
  type ServerArchiveIndex,
} from '@walvault/core/surveying';
import type { SurveyResult } from './surveyed-archive.ts';

/** What it is to do. What it has found of an archive is known by the number of the task that it was found for, until it is let go of. */
export type SurveyTask =
  | { readonly kind: 'survey'; readonly id: number; readonly server: ServerConfig; readonly days: number }
  | { readonly kind: 'find'; readonly id: number; readonly survey: number; readonly options: IndexedFindOptions }
  | { readonly kind: 'letGo'; readonly survey: number };

/** Said once, before any answer: it takes work from now on. */
export type Ready = 'ready';

/** What came of a task. */
export interface SurveyAnswer {
  readonly id: number;
  readonly result?: SurveyResult | FoundServerTarget | undefined;
  readonly error?: ReportedError;
}

const indexes = new Map<number, ServerArchiveIndex>();
/** Nobody stops a look; whoever does not want it any more ends the thread. */
const { signal } = new AbortController();

parentPort?.on('message', (task: SurveyTask) => void answer(task));
parentPort?.postMessage('ready' satisfies Ready, []);

async function answer(task: SurveyTask): Promise<void> {
  if (task.kind === 'letGo') {
    indexes.get(task.survey)?.[Symbol.dispose]();
    indexes.delete(task.survey);
    return;
  }
  const { id } = task;
  try {
    const result = task.kind === 'survey' ? await survey(task) : indexes.get(task.survey)?.find(task.options);
    post({ id, result });
  } catch (error) {
    post({ id, error: reportError(error) });
  }
}

function post(answer: SurveyAnswer): void {
  parentPort?.postMessage(answer, []);
}

async function survey({ id, server, days }: SurveyTask & { readonly kind: 'survey' }): Promise<SurveyResult> {
  const index = await openServerArchiveIndex(server, { days, signal });
  indexes.set(id, index);
  const { survey, timelines, restorePoints } = index;
  const { catalog } = survey;
  return {
    survey: { ...survey, catalog: catalog instanceof Error ? reportError(catalog) : catalog },
    timelines,
    restorePoints,
  };
}
