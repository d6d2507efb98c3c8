/**
 * Free TCP ports for servers. They are taken from below the range that the kernel uses for outgoing connections
 * (net.ipv4.ip_local_port_range), so that a server that is stopped for a while finds its port free when it comes back.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

const lowest = 15_000;
const highest = 32_000;

/** A port of 127.0.0.1 that nobody listened on a moment ago. Whoever uses it must be ready to try another one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
