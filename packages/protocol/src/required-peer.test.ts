import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { requireOwner } from './required-peer.ts';

let home: string;
let servers: net.Server[];

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'walvault-peer-')));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) server.close();
  await rm(home, { recursive: true, force: true });
});

async function socketIn(directory: string): Promise<string> {
  const path = join(directory, '.s.PGSQL.5432');
  const server = net.createServer();
  servers.push(server);
  await once(server.listen(path), 'listening');
  return path;
}

const me = userInfo().username;

describe.skipIf(process.platform === 'win32')('requirepeer', () => {
  test('takes the socket of the user, by whatever way it is named', async () => {
    const path = await socketIn(home);
    await symlink(home, join(home, 'link'));
    const owned = await requireOwner(join(home, 'link', '.s.PGSQL.5432'), me);
    expect(owned.path).toBe(path);
    await expect(owned.confirm()).resolves.toBeUndefined();
  });

  test('refuses the socket of another user, and says whose it is', async () => {
    const path = await socketIn(home);
    await expect(requireOwner(path, 'somebody')).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
      retry: 'fatal',
      message: `requirepeer specifies "somebody", but socket "${path}" belongs to "${me}"`,
    });
  });

  test('refuses a directory in which others can put a socket in the place of this one, at any height', async () => {
    const [open, below] = [join(home, 'open'), join(home, 'open', 'below')];
    await mkdir(below, { recursive: true });
    const path = await socketIn(below);
    await chmod(open, 0o777);
    await expect(requireOwner(path, me)).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
      message: `requirepeer cannot be checked: others may have put socket "${path}" into directory "${open}"`,
    });
    // As /tmp is: nobody can take away what is not his.
    await chmod(open, 0o1777);
    await expect(requireOwner(path, me)).resolves.toMatchObject({ path });
  });

  test('notices that the socket was replaced while we connected', async () => {
    const path = await socketIn(home);
    const owned = await requireOwner(path, me);
    await rm(path);
    const replaced = {
      code: 'ERR_CONNECT',
      retry: 'retry',
      message: expect.stringContaining('was replaced meanwhile') as string,
    };
    await expect(owned.confirm()).rejects.toMatchObject(replaced);
    await socketIn(home);
    await expect(owned.confirm()).rejects.toMatchObject(replaced);
  });

  test('says that there is no socket as if nothing had been required', async () => {
    await expect(requireOwner(join(home, '.s.PGSQL.1'), me)).rejects.toMatchObject({
      code: 'ERR_CONNECT',
      message: `connection to server on socket "${home}/.s.PGSQL.1" failed: no such file or directory`,
    });
  });
});
