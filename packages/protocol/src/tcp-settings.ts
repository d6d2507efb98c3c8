/**
 * TCP settings that notice a dead peer: `keepalives_*`, which the kernel does, and `tcp_user_timeout`, for which Node has no way to
 * ask the kernel. Linux shows what a socket waits for, though, and that is watched here instead.
 */
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { ConnectionParameters } from './connection-parameters.ts';

/** What Linux does where nothing is set, and where /proc does not tell (tcp(7)). */
const systemDefaults = { tcp_keepalive_time: 7200, tcp_keepalive_intvl: 75, tcp_keepalive_probes: 9 } as const;

/** Sets TCP keepalive as the parameters say; what they leave open stays as the system has it. Only for a TCP socket. */
export async function applyKeepalive(socket: Socket, parameters: ConnectionParameters): Promise<void> {
  const { keepalive, keepaliveIdleMs, keepaliveIntervalMs, keepaliveCount } = parameters;
  if (!keepalive || Math.max(keepaliveIdleMs, keepaliveIntervalMs, keepaliveCount) === 0) return;
  // Node sets all three or none, and has defaults of its own for those that are missing.
  const idleMs = keepaliveIdleMs || (await systemDefault('tcp_keepalive_time')) * 1000;
  const intervalMs = keepaliveIntervalMs || (await systemDefault('tcp_keepalive_intvl')) * 1000;
  socket.setKeepAlive(true, idleMs, intervalMs, keepaliveCount || (await systemDefault('tcp_keepalive_probes')));
}

async function systemDefault(name: keyof typeof systemDefaults): Promise<number> {
  const text = await readFile(`/proc/sys/net/ipv4/${name}`, 'utf8').catch(() => '');
  return Number.parseInt(text, 10) || systemDefaults[name];
}

/**
 * Ends a connected TCP socket with ETIMEDOUT when what it has sent stays unacknowledged, or unsent because the peer takes no
 * more, for `timeoutMs`. It looks four times in that time, so it may take a quarter longer. Ends with the socket.
 */
export function watchUserTimeout(socket: Socket, timeoutMs: number): void {
  const { localPort = 0, remotePort = 0 } = socket;
  let waitingSince: number | undefined;
  const look = async (): Promise<void> => {
    const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'latin1').catch(() => '')));
    const now = performance.now();
    waitingSince = tables.some((table) => isWaiting(table, localPort, remotePort)) ? (waitingSince ?? now) : undefined;
    if (waitingSince !== undefined && now - waitingSince >= timeoutMs) socket.destroy(connectionTimedOut());
  };
  const timer = setInterval(() => void look(), Math.max(timeoutMs / 4, 10)).unref();
  socket.once('close', () => clearInterval(timer));
}

/**
 * Whether a table of /proc/net (proc_net_tcp.rst) shows a socket that waits for its peer: it has sent something again, or probes
 * the peer without an answer, or probes its closed window.
 */
export function isWaiting(table: string, localPort: number, remotePort: number): boolean {
  const row =
    / [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]{2} [0-9A-F]+:[0-9A-F]+ (\d{2}):[0-9A-F]+ ([0-9A-F]+) +\d+ +(\d+) /g;
  const windowProbe = '04';
  const rows = [...table.matchAll(row)].filter(
    ([, local = '', remote = '']) => Number.parseInt(local, 16) === localPort && Number.parseInt(remote, 16) === remotePort,
  );
  // Another socket may have the same two ports with another address; then the calmer one of them counts.
  const isStuck = ([, , , timer, sentAgain = '0', probes = '0']: readonly string[]): boolean =>
    timer === windowProbe || Number.parseInt(sentAgain, 16) > 0 || Number(probes) > 0;
  return rows.length > 0 && rows.every(isStuck);
}

function connectionTimedOut(): Error {
  return Object.assign(new Error('connection timed out'), { code: 'ETIMEDOUT', errno: -constants.errno.ETIMEDOUT });
}
