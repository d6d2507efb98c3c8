import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { testParameters } from './parameters.test-support.ts';
import { applyKeepalive, isWaiting, watchUserTimeout } from './tcp-settings.ts';

/** A TCP connection to a server that does what `serve` says; both ends go with it. */
async function connection(serve: (socket: net.Socket) => void = () => {}): Promise<AsyncDisposable & { socket: net.Socket }> {
  const accepted: net.Socket[] = [];
  const server = net.createServer((peer) => {
    accepted.push(peer.on('error', () => {}));
    serve(peer);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      for (const end of [socket, ...accepted]) end.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const system = async (name: string): Promise<number> =>
  Number(await readFile(`/proc/sys/net/ipv4/tcp_keepalive_${name}`, 'utf8'));

describe('keepalives', () => {
  test('are set as they are given, and the rest as the system has it', async () => {
    await using open = await connection();
    const set = vi.spyOn(open.socket, 'setKeepAlive');
    await applyKeepalive(
      open.socket,
      testParameters({ port: 1, keepaliveIdleMs: 30_000, keepaliveIntervalMs: 7000, keepaliveCount: 3 }),
    );
    expect(set).toHaveBeenLastCalledWith(true, 30_000, 7000, 3);
    if (process.platform !== 'linux') return;
    await applyKeepalive(open.socket, testParameters({ port: 1, keepaliveCount: 5 }));
    expect(set).toHaveBeenLastCalledWith(true, (await system('time')) * 1000, (await system('intvl')) * 1000, 5);
  });

  test('are left alone when they are off, or nothing is said of them', async () => {
    await using open = await connection();
    const set = vi.spyOn(open.socket, 'setKeepAlive');
    await applyKeepalive(open.socket, testParameters({ port: 1 }));
    await applyKeepalive(open.socket, testParameters({ port: 1, keepalive: false, keepaliveIdleMs: 30_000 }));
    expect(set).not.toHaveBeenCalled();
  });

  test.runIf(process.platform === 'linux')('are with the kernel', async () => {
    await using open = await connection();
    await applyKeepalive(open.socket, testParameters({ port: 1, keepaliveIdleMs: 50_000 }));
    const ports = [open.socket.localPort, open.socket.remotePort].map((port) =>
      port?.toString(16).toUpperCase().padStart(4, '0'),
    );
    const rows = (await readFile('/proc/net/tcp', 'latin1')).split('\n');
    const row = rows.find((line) => line.includes(`:${ports[0]} `) && line.includes(`:${ports[1]} 01 `));
    // Timer 02 is that of keepalive; it runs out in so many hundredths of a second.
    const [, hundredths = '0'] = /02:([0-9A-F]{8})/.exec(row ?? '') ?? [];
    expect(Number.parseInt(hundredths, 16)).toBeGreaterThan(4000);
    expect(Number.parseInt(hundredths, 16)).toBeLessThanOrEqual(5000);
  });
});

const row = (ports: string, rest: string): string =>
  `   4: 0100007F:${ports.split('>')[0]} 0100007F:${ports.split('>')[1]} 01 ${rest} 2 00000000fc4b6abe 20 0 0 17 -1\n`;

describe('tcp_user_timeout', () => {
  const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const calm = '00000000:00000000 00:00000000 00000000  1000        0 1386352';
  const onItsWay = '00000020:00000000 01:00000014 00000000  1000        0 1386352';

  test.each([
    ['waits for nothing', calm, false],
    ['has sent something that is on its way', onItsWay, false],
    ['has sent something twice', '00000020:00000000 01:00000014 00000001  1000        0 1386352', true],
    ['has probed twice without an answer', '00000000:00000000 02:00000014 00000000  1000        2 1386352', true],
    ['waits until the peer takes more', '00100020:00000000 04:00000014 00000000  1000        0 1386352', true],
  ])('sees in the table of the kernel that a socket %s', (_name, state, expected) => {
    expect(
      isWaiting(
        header + row('1538>9D0F', onItsWay.replace('00000000  ', '00000003  ')) + row('9D0F>1538', state),
        0x9d0f,
        0x1538,
      ),
    ).toBe(expected);
  });

  test('takes the calmer one of two sockets with the same ports, and none for none', () => {
    const stuck = onItsWay.replace('00000000  ', '00000003  ');
    expect(isWaiting(header + row('9D0F>1538', stuck) + row('9D0F>1538', calm), 0x9d0f, 0x1538)).toBe(false);
    expect(isWaiting(header + row('9D0F>1538', stuck) + row('9D0F>1538', stuck), 0x9d0f, 0x1538)).toBe(true);
    expect(isWaiting(header, 0x9d0f, 0x1538)).toBe(false);
  });

  test.runIf(process.platform === 'linux')('ends a connection whose peer takes nothing more', async () => {
    await using open = await connection((peer) => void peer.pause());
    watchUserTimeout(open.socket, 400);
    const failed = new Promise<unknown>((resolve) => void open.socket.once('error', resolve));
    const start = performance.now();
    // More than the buffers of both sides hold.
    open.socket.write(Buffer.alloc(32 * 1024 * 1024));
    expect(await failed).toMatchObject({ code: 'ETIMEDOUT' });
    expect(performance.now() - start).toBeGreaterThan(400);
  });

  test.runIf(process.platform === 'linux')('lets a connection be that is only idle', async () => {
    await using open = await connection();
    watchUserTimeout(open.socket, 40);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(open.socket.destroyed).toBe(false);
  });
});
