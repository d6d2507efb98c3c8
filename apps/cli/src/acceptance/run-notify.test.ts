/** `run` and a service manager: what comes in on a real datagram socket, sent by the real systemd-notify. */
import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram, type RunningProgram, startAsServerUser } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { Vault } from './vault.test-support.ts';

/** Prints each datagram, and a line behind it. Node has no such sockets; Debian always has Perl. */
const listener = `use Socket; $| = 1;
socket(S, AF_UNIX, SOCK_DGRAM, 0) or die $!; bind(S, sockaddr_un($ARGV[0])) or die $!; print "listening\\n";
while (defined recv(S, my $text, 65536, 0)) { print "$text\\n--\\n" }`;

/** What came in, less the signs of life, what a manager answers to by closing a file, and what is different each time. */
function messages({ stdout }: RunningProgram): readonly string[] {
  const all = stdout.replace('listening\n', '').split('\n--\n').slice(0, -1);
  return all.filter((text) => !/^(WATCHDOG|BARRIER)=1$/.test(text)).map((text) => text.replace(/(MONOTONIC_USEC)=\d+/, '$1'));
}

test('a service manager is told of readiness, reloads, the end, and signs of life between', async () => {
  const server = { conninfo: 'host=127.0.0.1 port=1 user=x', streaming_archiver: 'on', slot_name: 'barman' };
  await using vault = await Vault.create({ pg: server });
  const socket = join(vault.home, 'notify');
  await using manager = await startAsServerUser(['perl', '-e', listener, socket]);
  await manager.waitForOutput(/listening/);
  const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000', PATH: `${await programs(vault)}:${process.env['PATH']}` };
  await using run = await startAsServerUser(vault.argv('run'), { env });

  const ready = 'READY=1\nSTATUS=1 servers: 0 receiving, 1 not';
  await expect.poll(() => messages(manager)).toEqual([ready]);
  await expect.poll(() => manager.stdout).toContain('WATCHDOG=1\n--\n');
  process.kill(run.pid, 'SIGHUP');
  const again = ['RELOADING=1\nMONOTONIC_USEC', ready];
  await expect.poll(() => messages(manager)).toEqual([ready, ...again]);
  expect(await run.kill('SIGTERM')).toMatchObject({ code: 0 });
  await expect.poll(() => messages(manager)).toEqual([ready, ...again, 'STOPPING=1\nSTATUS=ending']);
  expect(run.stderr).not.toContain('could not be told');
});

/** A directory with systemd-notify, which finds its libraries where Debian's package was unpacked. */
async function programs(vault: Vault): Promise<string> {
  const { path, env } = findProgram('systemd-notify');
  if (Object.keys(env).length === 0) return dirname(path);
  const variables = Object.entries(env).map(([name, value]) => `${name}='${value}'`);
  const wrapper = join(vault.home, 'systemd-notify');
  await writeFile(wrapper, `#!/bin/sh\nexec env ${variables.join(' ')} '${path}' "$@"\n`);
  await chmod(wrapper, 0o755);
  return vault.home;
}
