/**
 * The live stream (server-sent events): what has changed goes to all clients, once a second, as one buffer that they share.
 *
 * A client that reads too slowly is not written to until it has caught up, and then gets everything anew, so that it costs at most one
 * picture of all servers and one batch of changes. One that reads nothing for half a minute is let go.
 */
import type { Writable } from 'node:stream';
import type { Collector } from '../collector/collector.ts';
import { summarize } from '../collector/summarize.ts';
import { heartbeatMs, mostLiveClients } from '../schema/live.ts';
import type { ServerSummary } from '../schema/server-summary.ts';
import { listServers } from '../views/server-list-view.ts';

const batchMs = 1000;
const patienceMs = 30_000;

interface Client {
  readonly response: Writable;
  /** Since when it does not take more: also for the moment in which it takes a picture that is more than its socket holds. */
  behindSince: number | undefined;
  /** Something was not written to it meanwhile. */
  hasMissed: boolean;
}

/** All clients. Runs from when it is made until it is disposed of, which ends their streams. */
export class LiveStream implements Disposable {
  readonly #collector: Collector;
  readonly #clients = new Set<Client>();
  readonly #names = new Set<string>();
  readonly #changed = new Set<string>();
  /** The last summary of each server that all clients have, without its ages. */
  readonly #sent = new Map<string, string>();
  readonly #listening: Disposable;
  readonly #timer: NodeJS.Timeout;
  #hasOtherServers = false;
  #lastId = 0;
  #beatAt = 0;

  constructor(collector: Collector) {
    this.#collector = collector;
    this.#listening = collector.listen((name, snapshot) => {
      const isNews = snapshot === undefined ? this.#names.delete(name) : !this.#names.has(name);
      if (snapshot !== undefined) this.#names.add(name);
      if (isNews) this.#hasOtherServers = true;
      this.#changed.add(name);
    });
    this.#timer = setInterval(() => this.#tick(), batchMs);
  }

  /** How many clients there are. */
  get size(): number {
    return this.#clients.size;
  }

  /** Whether another one may come. */
  get hasRoom(): boolean {
    return this.#clients.size < mostLiveClients;
  }

  /** Writes to a response whose head is sent, until one of both goes away. */
  add(response: Writable): void {
    // It went away before it was heard; nobody tells of that again.
    if (response.destroyed) return;
    // All must have been told the same before somebody gets a newer picture: what changes back would be no news to him otherwise.
    this.#tick();
    const client: Client = { response, behindSince: undefined, hasMissed: false };
    this.#clients.add(client);
    response.on('close', () => this.#clients.delete(client));
    response.on('error', () => this.#clients.delete(client));
    response.on('drain', () => this.#caughtUp(client));
    this.#write(client, Buffer.concat([Buffer.from('retry: 2000\n\n'), this.#everything()]));
  }

  [Symbol.dispose](): void {
    this.#listening[Symbol.dispose]();
    clearInterval(this.#timer);
    for (const { response } of this.#clients) response.end();
    this.#clients.clear();
  }

  #tick(): void {
    if (this.#clients.size === 0) {
      this.#sent.clear();
      this.#changed.clear();
      this.#hasOtherServers = false;
      return;
    }
    const batch = this.#batch();
    const nowMs = Date.now();
    for (const client of this.#clients) {
      if (client.behindSince === undefined) this.#write(client, batch);
      else if (nowMs - client.behindSince > patienceMs) client.response.destroy();
      else if (batch.length > 0) client.hasMissed = true;
    }
  }

  #batch(): Buffer {
    const nowMs = Date.now();
    const parts: Buffer[] = [];
    const isBeat = nowMs - this.#beatAt >= heartbeatMs;
    // Time alone changes verdicts: what was looked at long ago counts for nothing, also where nobody looks any more.
    if (isBeat) for (const { server } of this.#collector.snapshots) this.#changed.add(server.name);
    if (this.#hasOtherServers) {
      this.#sent.clear();
      parts.push(this.#everything());
    } else for (const name of this.#changed) parts.push(this.#change(name, nowMs));
    this.#changed.clear();
    this.#hasOtherServers = false;
    if (isBeat) {
      this.#beatAt = nowMs;
      parts.push(this.#event('heartbeat', { at: new Date(nowMs).toISOString() }));
    }
    return Buffer.concat(parts);
  }

  #everything(): Buffer {
    return this.#event('servers', listServers(this.#collector));
  }

  /** Nothing when only ages have changed. */
  #change(name: string, nowMs: number): Buffer {
    const snapshot = this.#collector.snapshot(name);
    if (snapshot === undefined) return Buffer.alloc(0);
    const summary = summarize(snapshot, nowMs);
    const text = withoutAges(summary);
    if (this.#sent.get(name) === text) return Buffer.alloc(0);
    this.#sent.set(name, text);
    return this.#event('server', summary);
  }

  #event(name: string, data: object): Buffer {
    this.#lastId += 1;
    return Buffer.from(`event: ${name}\nid: ${this.#lastId}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  #write(client: Client, bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (!client.response.write(bytes)) client.behindSince = Date.now();
  }

  #caughtUp(client: Client): void {
    if (client.behindSince === undefined || !this.#clients.has(client)) return;
    if (!client.hasMissed) {
      client.behindSince = undefined;
      return;
    }
    this.#tick();
    client.behindSince = undefined;
    client.hasMissed = false;
    this.#write(client, this.#everything());
  }
}

function withoutAges(summary: ServerSummary): string {
  return JSON.stringify({ ...summary, ageMs: null, serverAgeMs: null, archiveAgeMs: null });
}
