/** A whole session by script, from the startup message to the second timeline, and what a client makes of it. */
import { backend, type ScriptedConnection } from '@walvault/testkit';
import { formatLsn, parseLsn, toTimelineId } from '@walvault/wal';
import type { ReplicationConnection } from './replication-connection.ts';
import type { ReplicationStream } from './replication-stream.ts';
import { done, error, wal } from './scripted-server.test-support.ts';
import { ServerError } from './server-error.ts';
import { describeMessage, nextTimeline, start, status } from './streaming.test-support.ts';

/** What the server says: each step waits for a message of that type, and sends the bytes. */
export type Steps = readonly (readonly [type: string, bytes: Buffer])[];

const secondTimeline = toTimelineId(2);
const notice = backend.noticeResponse({ S: 'WARNUNG', V: 'WARNING', C: '01000', M: 'größer als sonst' });
const streamOfFirst = [
  backend.copyBothResponse(),
  wal(0x1000000n, 'abc'),
  notice,
  backend.keepalive(0x1000003n, true),
  backend.parameterStatus('in_hot_standby', 'off'),
  wal(0x1000003n, 'defgh'),
  backend.copyDone(),
];
const streamOfSecond = [backend.copyBothResponse(), wal(0x1000008n, 'xyz'), backend.keepalive(0x100000bn, false)];

/** What goes before: it can be cut once a connection. */
export const startup: Steps = [
  ['', Buffer.concat([notice, backend.authenticationCleartextPassword()])],
  ['p', backend.welcome({ server_version: '18.4', in_hot_standby: 'on' })],
];

/** What a connection can do again and again. */
export const cycle: Steps = [
  ['Q', backend.result(['systemid', 'timeline', 'xlogpos', 'dbname'], ['7711030578120921605', '2', '0/100000B', null])],
  ['Q', Buffer.concat(streamOfFirst)],
  ['c', nextTimeline('2', '0/1000008')],
  ['Q', backend.result(['filename', 'content'], ['00000002.history', '1\t0/1000008\tno reason\n'])],
  ['Q', Buffer.concat(streamOfSecond)],
  ['c', Buffer.concat([wal(0x100000bn, 'late'), backend.copyDone(), done('START_STREAMING')])],
  ['Q', nextTimeline('2', '0/1000008')],
  ['Q', Buffer.concat([error({ C: '42704', M: 'unrecognized configuration parameter' }), backend.readyForQuery()])],
];

/** What the client makes of one cycle. */
export const expected = [
  'system 7711030578120921605 on 2 at 0/100000B',
  '0/1000000 abc',
  'keepalive 0/1000003 reply',
  '0/1000003 defgh',
  'end of timeline, next 2 at 0/1000008',
  '00000002.history: 1\t0/1000008\tno reason\n',
  '0/1000008 xyz',
  'keepalive 0/100000B',
  'stopped',
  'end of timeline, next 2 at 0/1000008',
  '42704',
];

/** Runs a client through one cycle; what it has seen, one line each. */
export async function runCycle(connection: ReplicationConnection): Promise<string[]> {
  const seen: string[] = [];
  const system = await connection.identifySystem();
  seen.push(`system ${system.systemIdentifier} on ${system.timelineId} at ${formatLsn(system.flushLsn)}`);
  await take(await connection.startReplication(start), seen);
  const history = await connection.timelineHistory(secondTimeline);
  seen.push(`${history.fileName}: ${history.content.toString()}`);
  const fromSecond = { startLsn: parseLsn('0/1000008'), timelineId: secondTimeline };
  await take(await connection.startReplication({ ...fromSecond, slotName: 's' }), seen, 'keepalive 0/100000B');
  await take(await connection.startReplication({ ...fromSecond, timelineId: start.timelineId }), seen);
  await connection.show('nonsense').catch((caught: unknown) => {
    if (!(caught instanceof ServerError)) throw caught;
    seen.push(caught.sqlState);
  });
  return seen;
}

/** Adds what a stream gives to what was seen; stops it behind the message `last`. */
async function take(answer: Awaited<ReturnType<ReplicationConnection['startReplication']>>, seen: string[], last?: string) {
  const end = answer.kind === 'stream' ? await pullAll(answer, seen, last) : answer;
  seen.push(
    end?.kind === 'endOfTimeline'
      ? `end of timeline, next ${end.nextTimelineId} at ${formatLsn(end.nextStartLsn)}`
      : String(end?.kind),
  );
}

async function pullAll(stream: ReplicationStream, seen: string[], last?: string) {
  for await (const batch of stream) {
    seen.push(...batch.map(describeMessage));
    stream.sendStandbyStatus(status);
    if (seen.at(-1) === last) stream.stop();
  }
  return stream.end;
}

/** Sends the bytes of a step, of which `offset` is the place of the first one. */
export type Send = (client: ScriptedConnection, bytes: Buffer, offset: number) => Promise<void>;

/** Nothing special. */
export const whole: Send = async (client, bytes) => client.send(bytes);
/** Plays steps, each when the client has sent what the step waits for. What the client says of its positions is passed over. */
export async function play(client: ScriptedConnection, steps: Steps, send: Send): Promise<void> {
  let offset = 0;
  for (const [type, bytes] of steps) {
    if (type === '') await client.startup();
    else await skipStatus(client, type);
    await send(client, bytes, offset);
    offset += bytes.length;
  }
}

async function skipStatus(client: ScriptedConnection, type: string): Promise<void> {
  for (let message = await client.receive(); message.type !== type; message = await client.receive()) {
    if (message.type !== 'd') throw new Error(`expected a message of type "${type}", got "${message.type}"`);
  }
}
