/** All that is known when the steps of an examination judge: gathered once, then looked at by pure functions. */
import type { ConfigProblem, ServerConfig } from '@walvault/config';
import type { SqlFacts } from '../observing/server-observation.ts';
import type { HereFacts } from './look-here.ts';
import type { SqlAnswer, Way } from './walk-to-server.ts';
import type { WalsenderFacts } from './walsender-facts.ts';

/** The facts. */
export interface DoctorFacts {
  readonly server: ServerConfig;
  /** What loading the configuration has warned of, for this server. */
  readonly warnings: readonly ConfigProblem[];
  /** The way of the streaming connection; undefined when no WAL is to be streamed. */
  readonly streaming: Way<WalsenderFacts> | undefined;
  /** The way of the ordinary connection; undefined when none is configured. */
  readonly ordinary: Way<SqlAnswer> | undefined;
  /** What the server answers to SQL, as far as it could be asked. */
  readonly sql: SqlFacts | undefined;
  readonly here: HereFacts;
}

/** Settings of the server, by whichever connection told them; undefined when the server could not be asked. */
export function settingsOf({ sql, streaming }: DoctorFacts): ReadonlyMap<string, string> | undefined {
  return sql?.settings ?? streaming?.answer?.settings;
}

/** A setting that is a whole number. */
export function numberOf(settings: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = settings.get(name);
  return text === undefined || !/^-?\d+$/.test(text) ? undefined : Number(text);
}

/** Whether the server is a standby; undefined when that is not known. */
export function isStandby({ sql, streaming }: DoctorFacts): boolean | undefined {
  return sql?.isInRecovery ?? streaming?.answer?.isInRecovery;
}

/** `application_name` of the receiver: that of the connection string wins over the option. */
export function receiverName({ server, streaming }: DoctorFacts): string {
  return streaming?.parameters?.applicationName ?? server.streamingArchiverName;
}

/** Process on the server that our own receiver streams by, as far as the server shows it; one that waits has none. */
export function ourWalSender(facts: DoctorFacts): SqlFacts['walSenders'][number] | undefined {
  const { sql, here } = facts;
  if (here.receiver?.pid === undefined || here.receiver.state?.phase !== 'streaming') return undefined;
  const ours = sql?.walSenders.filter(({ applicationName }) => applicationName === receiverName(facts)) ?? [];
  return ours.find(({ pid }) => pid === sql?.slot?.activePid) ?? ours[0];
}
