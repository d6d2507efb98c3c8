/**
 * Whether a session is of the kind that `target_session_attrs` asks for (fe-connect.c, CONNECTION_CHECK_TARGET).
 *
 * From PostgreSQL 14 on the server has told so by itself. Before, libpq asks by SQL whether the server is in recovery, which a
 * walsender for physical replication refuses. It answers SHOW, though, and that is enough: transactions are always read-only in
 * recovery, so one that may write tells a primary, and one that may not tells a standby, unless they are read-only by setting.
 */
import type { TargetSession } from './connection-parameters.ts';
import { readResults } from './command-result.ts';
import { queryMessage } from './frontend-messages.ts';
import type { Session } from './session.ts';
import type { SessionPurpose } from './startup.ts';

/** What a session can be asked for; `prefer-standby` is two searches, one for each of these. */
export type SessionDemand = Exclude<TargetSession, 'prefer-standby'>;

/** Why a session is not what was asked for. */
export interface Objection {
  readonly problem: string;
  readonly hint?: string | undefined;
}

type Judge = (session: Session, purpose: SessionPurpose) => Promise<Objection | undefined>;

const judges: Readonly<Record<SessionDemand, Judge>> = {
  any: () => Promise.resolve(undefined),
  'read-write': async (session) => ((await isReadOnly(session)) ? { problem: 'session is read-only' } : undefined),
  'read-only': async (session) => ((await isReadOnly(session)) ? undefined : { problem: 'session is not read-only' }),
  primary: async (session, purpose) => {
    const inRecovery = await isInRecovery(session, purpose);
    if (inRecovery === undefined) return undecided;
    return inRecovery ? { problem: 'server is in hot standby mode' } : undefined;
  },
  standby: async (session, purpose) => {
    const inRecovery = await isInRecovery(session, purpose);
    if (inRecovery === undefined) return undecided;
    return inRecovery ? undefined : { problem: 'server is not in hot standby mode' };
  },
};

const undecided: Objection = {
  problem: 'server does not tell whether it is in hot standby mode, since all its transactions are read-only by setting',
  hint: "Add options='-c default_transaction_read_only=off' to the connection string; replication does not depend on it.",
};

/** What is wrong with a session that is ready for commands, or undefined when it is just what was asked for. */
export async function objectionTo(
  session: Session,
  { demand, purpose }: { readonly demand: SessionDemand; readonly purpose: SessionPurpose },
): Promise<Objection | undefined> {
  return await judges[demand](session, purpose);
}

async function isReadOnly(session: Session): Promise<boolean> {
  const isDefault = session.parameterStatus.get('default_transaction_read_only');
  const inRecovery = session.parameterStatus.get('in_hot_standby');
  if (isDefault !== undefined && inRecovery !== undefined) return isDefault === 'on' || inRecovery === 'on';
  return (await ask(session, 'SHOW transaction_read_only')) === 'on';
}

/** Undefined when it cannot be found out. */
async function isInRecovery(session: Session, purpose: SessionPurpose): Promise<boolean | undefined> {
  const reported = session.parameterStatus.get('in_hot_standby');
  if (reported !== undefined) return reported === 'on';
  if (purpose === 'sql') return (await ask(session, 'SELECT pg_catalog.pg_is_in_recovery()')) === 't';
  if ((await ask(session, 'SHOW transaction_read_only')) === 'off') return false;
  return (await ask(session, 'SHOW default_transaction_read_only')) === 'off' ? true : undefined;
}

/** The only value of the answer to a command. */
async function ask(session: Session, command: string): Promise<string | undefined> {
  session.write(queryMessage(command));
  const [result] = await readResults(session);
  return result?.rows[0]?.[0]?.toString('utf8');
}
