/** `bench status-page`: the status page with many servers, of which one has an archive of very many segments. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runAsServerUser, temporaryDirectory } from '@walvault/testkit';
import { programOption } from '../common-options.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { type OptionValues, wholeNumberOption } from '../options.ts';
import { readProcessUsage } from '../process-usage.ts';
import { scenario, type Voice } from '../scenario.ts';
import { type StatusPageProcess, startStatusPage } from '../status-page-process.ts';
import { askRepeatedly, textOf, watchLatency } from './answer-times.ts';
import { lookInBrowser } from './in-browser.ts';
import { installedStatusPage } from './installed-page.ts';
import { largeServer, makeManyServers } from './many-servers.ts';
import { formatStatusPage, type StatusPageResult } from './report.ts';

const options = {
  servers: wholeNumberOption({ help: 'servers in the configuration', fallback: 100, least: 1, most: 1000 }),
  segments: wholeNumberOption({ help: 'segments in the archive of one of them', fallback: 100_000, least: 100, most: 1_000_000 }),
  seconds: wholeNumberOption({
    help: 'how long the page is kept open, and how long CPU is counted',
    fallback: 30,
    least: 1,
    most: 600,
  }),
  program: programOption,
};

type StatusPageOptions = OptionValues<typeof options>;

const timesAsked = 10;
const questions = [
  '/api/v1/servers',
  `/api/v1/servers/${largeServer}`,
  `/api/v1/servers/${largeServer}/coverage`,
  `/api/v1/servers/${largeServer}/find-target?time=2026-06-15T00:00:00Z`,
  '/metrics',
];

export const statusPage = scenario({
  name: 'status-page',
  summary: 'Asks and watches the status page of many servers and of an archive of very many segments.',
  options,
  measure: measureStatusPage,
});

/** Measures and reports; gives what it measured. */
export async function measureStatusPage(given: StatusPageOptions, voice: Voice): Promise<StatusPageResult> {
  const { servers, segments, seconds, program } = given;
  await using directory = await temporaryDirectory('status-page');
  voice.report(formatMachine(await describeMachine(directory.path)));
  const executable = await installedStatusPage(program, directory.path);
  voice.progress(`making ${servers} servers, and an archive of ${segments} segments`);
  const configFile = await makeManyServers(directory.path, { servers, segments });
  // The history is on the same disk, and would wait for all that was just written.
  await runAsServerUser(['sync', '-f', directory.path], { timeoutMs: 600_000 });
  const startedAtMs = performance.now();
  await using page = await startStatusPage(executable, { configFile, history: join(directory.path, 'history.sqlite') });
  voice.progress('all are looked at for the first time');
  const [firstLooks] = await latencyDuring(page, async () => untilLookedAt(page, servers));
  const surveyedMs = performance.now() - startedAtMs;
  const answers = [];
  for (const path of questions) answers.push(await askRepeatedly(page.port, path, timesAsked));
  voice.progress(`watching it in a browser for ${seconds} s`);
  const [later, inBrowser] = await latencyDuring(page, async () => lookInBrowser(page.port, { servers, seconds }));
  voice.progress(`counting its processor time for ${seconds} s`);
  const use = await useOver(page, seconds);
  const result = { servers, segments, firstLooks, later, surveyedMs, answers, page: inBrowser, ...use };
  voice.report(`\n${formatStatusPage(result)}`);
  return result;
}

/** Until each server has been looked at in every way, whatever was found. */
async function untilLookedAt({ port }: StatusPageProcess, servers: number): Promise<void> {
  interface Ages {
    readonly serverAgeMs: number | null;
    readonly archiveAgeMs: number | null;
  }
  for (;;) {
    const { servers: all } = JSON.parse(await textOf(port, '/api/v1/servers')) as { readonly servers: readonly Ages[] };
    const looked = all.filter(({ serverAgeMs, archiveAgeMs }) => serverAgeMs !== null && archiveAgeMs !== null);
    if (looked.length === servers) return;
    await sleep(500);
  }
}

async function latencyDuring<T>({ port }: StatusPageProcess, work: () => Promise<T>): Promise<readonly [readonly number[], T]> {
  const stop = new AbortController();
  const watched = watchLatency(port, stop.signal);
  try {
    const done = await work();
    stop.abort();
    return [await watched, done];
  } finally {
    stop.abort();
    await watched.catch(() => undefined);
  }
}

async function useOver(
  { pid }: StatusPageProcess,
  seconds: number,
): Promise<Pick<StatusPageResult, 'residentBytes' | 'peakBytes' | 'idleCpuPercent'>> {
  const before = readProcessUsage(pid);
  await sleep(seconds * 1000);
  const { cpuSeconds = 0, residentBytes = 0, peakBytes = 0 } = readProcessUsage(pid) ?? {};
  return { residentBytes, peakBytes, idleCpuPercent: ((cpuSeconds - (before?.cpuSeconds ?? 0)) / seconds) * 100 };
}
