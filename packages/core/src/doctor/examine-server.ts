/** `doctor`: goes the whole way from the configuration to the archived segment, and says at each step what is wrong, why, and what to do. */
import type { ConfigProblem, ServerConfig } from '@walvault/config';
import { observeServer } from '../observing/observe-server.ts';
import { isReportedError } from '../receiver-state.ts';
import { judgeArchiveCommand, judgeArchiving, judgeCatalogue, judgeHoles, judgeReceiver } from './archive-steps.ts';
import { judgeClock, judgeCluster, judgeSynchronous, judgeTimeline } from './cluster-steps.ts';
import { judgeConfiguration } from './configuration-step.ts';
import { type DoctorFacts, ourWalSender } from './doctor-facts.ts';
import { type Finding, Step } from './finding.ts';
import { judgeRefusal, type RefusalContext } from './judge-refusal.ts';
import { judgeWay } from './judge-way.ts';
import { lookHere } from './look-here.ts';
import { judgeDirectories, judgeLocks, judgeSpace } from './place-steps.ts';
import { judgeReplicationSlots, judgeRole, judgeStandby, judgeVersion, judgeWalLevel, judgeWalSenders } from './server-steps.ts';
import { judgeSlotStep, judgeWalKeeping } from './slot-steps.ts';
import { type Way, type WalkOptions, walkToSql, walkToWalsender } from './walk-to-server.ts';

/** A step: what it judges of the facts. Steps do not know of one another. */
type Judge = (facts: DoctorFacts) => readonly Finding[];

const steps: readonly Judge[] = [
  judgeConfiguration,
  judgeConnections,
  judgeVersion,
  judgeWalLevel,
  judgeWalSenders,
  judgeReplicationSlots,
  judgeCluster,
  judgeTimeline,
  judgeStandby,
  judgeSlotStep,
  judgeWalKeeping,
  judgeRole,
  judgeSynchronous,
  judgeClock,
  judgeDirectories,
  judgeSpace,
  judgeLocks,
  judgeReceiver,
  judgeHoles,
  judgeArchiving,
  judgeArchiveCommand,
  judgeCatalogue,
];

/** How to examine. */
export interface ExamineOptions extends WalkOptions {
  /** What loading the configuration has warned of; of other sections nothing is said. */
  readonly warnings: readonly ConfigProblem[];
}

/**
 * Examines a server, its connections, its directories and what works there. Nothing is changed on the server or here.
 * @returns what was found, step by step, in the order of the way
 * @throws the reason of the signal
 */
export async function examineServer(server: ServerConfig, options: ExamineOptions): Promise<readonly Finding[]> {
  const facts = await gather(server, options);
  return steps.flatMap((judge) => judge(facts));
}

async function gather(server: ServerConfig, options: ExamineOptions): Promise<DoctorFacts> {
  const isAsked = !server.passive;
  const streaming = isAsked && server.streamingArchiver ? await walkToWalsender(server, options) : undefined;
  const hasConninfo = isAsked && server.walConninfo !== undefined;
  const ordinary = hasConninfo ? await walkToSql(server, streaming?.parameters?.user, options) : undefined;
  // Behind the ways: a server with one free place for a walsender must have it free each time.
  const [observation, here] = await Promise.all([
    ordinary?.answer === undefined ? undefined : observeServer(server, options),
    lookHere(server),
  ]);
  options.signal.throwIfAborted();
  const sql = observation === undefined || isReportedError(observation.sql) ? undefined : observation.sql;
  const warnings = options.warnings.filter(({ section }) => section === server.name || section === 'barman');
  return { server, warnings, streaming, ordinary, sql, here };
}

function judgeConnections(facts: DoctorFacts): readonly Finding[] {
  const { server, streaming, ordinary, sql } = facts;
  const hbaFile = sql?.settings.get('hba_file');
  const role = ordinary?.answer === undefined ? 'unknown' : ordinary.answer.streamingRole;
  const isReceiving = ourWalSender(facts) !== undefined;
  const ways: readonly (readonly [Way<unknown> | undefined, RefusalContext, string])[] = [
    [streaming, { role, hbaFile, isReceiving }, server.passive ? 'the server is passive' : 'streaming_archiver is off'],
    [ordinary, { role: 'unknown', hbaFile, isReceiving }, server.passive ? 'the server is passive' : 'no conninfo is set'],
  ];
  return ways.flatMap(([way, context, because], index) => {
    const option = index === 0 ? 'streaming_conninfo' : 'conninfo';
    if (way === undefined) return [new Step('connection', option).skipped(because)];
    const { findings, refusal } = judgeWay(way);
    if (refusal === 'blocked') return index > 0 && isSameRoad(way, streaming) ? [] : findings;
    const authentication = judgeRefusal(way, refusal, context);
    return index > 0 && isSameRoad(way, streaming) ? [authentication] : [...findings, authentication];
  });
}

/** Two connections to the same places meet the same things until they say who they are. */
function isSameRoad(way: Way<unknown>, other: Way<unknown> | undefined): boolean {
  return way.parameters !== undefined && other?.parameters !== undefined && roadOf(way) === roadOf(other);
}

function roadOf({ parameters, notices }: Way<unknown>): string {
  const places = parameters?.hosts.map(({ host, hostAddress, port }) => [host, hostAddress, port]);
  return JSON.stringify([places, parameters?.tls.mode, notices]);
}
