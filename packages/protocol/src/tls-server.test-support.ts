/** TLS servers for what a real PostgreSQL will not do: odd certificates, silence in the handshake, a man in the middle. */
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { backend } from '@walvault/testkit';

/** What the server does with a connection that is encrypted. */
export type TlsScript = (client: tls.TLSSocket) => void;

/** A server on a port of 127.0.0.1 that answers S to SSLRequest, or takes TLS at once, and goes on by the script. */
export async function serveTls(
  options: tls.TLSSocketOptions,
  script: TlsScript = welcome,
): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.once('readable', () => {
      const first = socket.read() as Buffer;
      if (first.length === 8) socket.write('S');
      else socket.unshift(first);
      const secured = new tls.TLSSocket(socket, { isServer: true, ...options });
      script(secured.on('error', () => {}));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Lets everybody in at the first message. */
export function welcome(client: tls.TLSSocket): void {
  client.once('data', () => client.write(backend.welcome()));
}

/**
 * A man in the middle: an encrypted connection to each side, and everything goes through him. What the server says passes
 * through `change`.
 */
export function relay(upstreamPort: number, change: (fromServer: Buffer) => Buffer): TlsScript {
  return (client) => {
    const socket = net.connect(upstreamPort, '127.0.0.1', () => socket.write(Buffer.from('0000000804d2162f', 'hex')));
    socket
      .on('error', () => {})
      .once('data', () => {
        const server = tls.connect({ socket, rejectUnauthorized: false }).on('error', () => {});
        server.on('data', (data: Buffer) => client.write(change(data))).on('close', () => client.destroy());
        client.on('data', (data: Buffer) => server.write(data)).on('close', () => server.destroy());
      });
  };
}
