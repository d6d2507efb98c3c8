/**
 * Keeps the live stream open for as long as the page is. It is read by fetch and not by EventSource, so that it can say what
 * went wrong, and end a connection that has fallen silent: a network that drops packets never tells.
 */
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { apiAddress, Refusal } from '../api/ask.ts';
import { EventStreamReader, type StreamEvent } from './event-stream.ts';
import { live, loseConnection, silenceMs, takeChanges, takeHeartbeat, takeServers } from './live-state.ts';

const firstPauseMs = 500;
const longestPauseMs = 5000;

/** Reads until the page is left. */
export async function stayConnected(): Promise<never> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const before = live.value.heardAt;
    try {
      await readStream();
      loseConnection('The server has ended the connection.');
    } catch (error) {
      if (error instanceof Refusal) loseConnection(error.message, error.status === 401 ? 'refused' : 'lost');
      else loseConnection(error instanceof DOMException ? 'Nothing has come for some time.' : 'The server cannot be reached.');
    }
    if (live.value.heardAt !== before) pauseMs = firstPauseMs;
    await pause(pauseMs);
  }
}

async function readStream(): Promise<void> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silenceMs);
  try {
    const response = await fetch(apiAddress('live'), {
      headers: { accept: 'text/event-stream' },
      signal: silence.signal,
      cache: 'no-store',
    });
    if (!response.ok || response.body === null) throw await Refusal.from(response);
    const events = new EventStreamReader();
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      take(events.read(decoder.decode(part.value, { stream: true })));
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** What comes at once is taken at once, so that it is drawn once. */
function take(events: readonly StreamEvent[]): void {
  let changes: ServerSummary[] = [];
  for (const { name, data } of events) {
    if (name === 'servers') {
      changes = [];
      takeServers(JSON.parse(data));
    } else if (name === 'server') changes.push(JSON.parse(data));
    else if (name === 'heartbeat') takeHeartbeat(JSON.parse(data));
  }
  if (changes.length > 0) takeChanges(changes);
}

/** Ends early when there is hope: the network is back, or somebody looks at the page again. */
async function pause(milliseconds: number): Promise<void> {
  const ended = new AbortController();
  await new Promise<void>((resolve) => {
    const { signal } = ended;
    setTimeout(resolve, milliseconds);
    addEventListener('online', () => resolve(), { signal });
    document.addEventListener('visibilitychange', () => resolve(), { signal });
  });
  ended.abort();
}
