/** `bench idle`: what receivers cost while nothing happens, both connected to the same idle server at the same time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { majorOption, programOption } from '../common-options.ts';
import { startCommitServer } from '../commit-server.ts';
import { pgReceivewal, walvault } from '../contenders.ts';
import { BenchFailure } from '../failure.ts';
import { describeMachine, formatMachine } from '../machine.ts';
import { numberOption, type OptionValues } from '../options.ts';
import { readProcessUsage, readWakeUps } from '../process-usage.ts';
import { type ReceiverProcess, startReceiver, stopReceiver, untilStreaming } from '../receiver-process.ts';
import { scenario, type Voice } from '../scenario.ts';
import { alignColumns } from '../table.ts';
import { formatTarget } from '../target.ts';

const options = {
  seconds: numberOption({ help: 'how long to watch', fallback: 60, least: 1, most: 86_400 }),
  settle: numberOption({
    help: 'seconds before that, for what a program still does behind its start',
    fallback: 5,
    least: 0,
    most: 3600,
  }),
  major: majorOption,
  program: programOption,
};

type IdleOptions = OptionValues<typeof options>;

/** What one receiver used. */
export interface IdleUse {
  readonly name: string;
  /** Of one processor. */
  readonly cpuPercent: number;
  readonly wakeUpsPerSecond: number;
  /** Most resident memory since its start. */
  readonly peakBytes: number;
}

const cpuTargetPercent = 0.5;

export const idle = scenario({
  name: 'idle',
  summary: 'Processor time and wake-ups of receivers that are connected to an idle server.',
  options,
  measure: measureIdle,
});

/** Measures and reports; gives what it measured. */
export async function measureIdle({ seconds, settle, major, program }: IdleOptions, voice: Voice): Promise<readonly IdleUse[]> {
  const contenders = [await pgReceivewal(major), walvault({ program })];
  await using cluster = await startCommitServer({ major });
  await using stack = new AsyncDisposableStack();
  const receivers: ReceiverProcess[] = [];
  for (const [index, contender] of contenders.entries()) {
    const manner = { name: `bench_idle_${index}`, flush: 'continuous', place: '' } as const;
    const receiver = stack.use(await startReceiver({ contender, cluster, ...manner }));
    await untilStreaming(receiver);
    receivers.push(receiver);
  }
  voice.progress(`watching for ${settle + seconds} s`);
  await sleep(settle * 1000);
  const uses = await watch(receivers, seconds);
  for (const receiver of receivers) await stopReceiver(receiver);
  const versions = contenders.map(({ name, version }) => `receiver     ${name} ${version}`);
  const machine = formatMachine(await describeMachine(cluster.socketDirectory));
  voice.report([machine, ...versions, '', formatIdle(uses, seconds)].join('\n'));
  return uses;
}

/** The table, and whether the target is met. */
export function formatIdle(uses: readonly IdleUse[], seconds: number): string {
  const rows = uses.map(({ name, cpuPercent, wakeUpsPerSecond, peakBytes }) => [
    name,
    cpuPercent.toFixed(2),
    wakeUpsPerSecond.toFixed(1),
    (peakBytes / 1e6).toFixed(0),
  ]);
  const ours = uses.find(({ name }) => name === 'walvault');
  const target = {
    what: 'idle CPU, % of a core',
    bound: { atMost: cpuTargetPercent },
    value: ours?.cpuPercent,
    taken: `mean of ${seconds} s,`,
    digits: 2,
  };
  return `${alignColumns([['program', 'CPU %', 'wake-ups/s', 'peak MB'], ...rows])}\n\n${formatTarget(target)}`;
}

async function watch(receivers: readonly ReceiverProcess[], seconds: number): Promise<readonly IdleUse[]> {
  const startedAtMs = performance.now();
  const before = receivers.map(look);
  await sleep(seconds * 1000);
  const after = receivers.map(look);
  const elapsed = (performance.now() - startedAtMs) / 1000;
  return receivers.map(({ contender }, index) => {
    const [first, last] = [before[index] as Look, after[index] as Look];
    return {
      name: contender.name,
      cpuPercent: ((last.cpuSeconds - first.cpuSeconds) / elapsed) * 100,
      wakeUpsPerSecond: (last.wakeUps - first.wakeUps) / elapsed,
      peakBytes: last.peakBytes,
    };
  });
}

interface Look {
  readonly cpuSeconds: number;
  readonly wakeUps: number;
  readonly peakBytes: number;
}

function look({ contender, program }: ReceiverProcess): Look {
  const [usage, wakeUps] = [readProcessUsage(program.pid), readWakeUps(program.pid)];
  if (usage === undefined || wakeUps === undefined)
    throw new BenchFailure(`${contender.name} ended while idle\n${program.stderr}`);
  return { ...usage, wakeUps };
}
