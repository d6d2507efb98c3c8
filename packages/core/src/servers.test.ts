import { expect, test } from 'vitest';
import { configured, nowhere } from './configured.test-support.ts';
import { serverNamed, serversNamed } from './servers.ts';

test('finds servers by name, in the order asked for', async () => {
  await using fixture = await configured(nowhere, `[st]\n${nowhere.replace('barman', 'other')}`);
  const { configuration } = fixture;
  expect(serverNamed(configuration, 'st').slotName).toBe('other');
  expect(serversNamed(configuration, ['st', 'pg']).map(({ name }) => name)).toEqual(['st', 'pg']);
  expect(serversNamed(configuration, ['all']).map(({ name }) => name)).toEqual(['pg', 'st']);
});

test('an unknown name is answered with the names that there are', async () => {
  await using fixture = await configured();
  const { configuration, home } = fixture;
  expect(() => serverNamed(configuration, 'qg')).toThrow(
    expect.objectContaining({ code: 'ERR_UNKNOWN_SERVER', hint: `Configured in ${home}/walvault.conf: pg.` }),
  );
  expect(() => serversNamed(configuration, ['pg', 'qg'])).toThrow(`Unknown server 'qg'`);
  expect(() => serverNamed({ ...configuration, servers: new Map() }, 'pg')).toThrow(
    expect.objectContaining({ hint: `No server is configured in ${home}/walvault.conf.` }),
  );
});

test('`all` is a name of its own only where several servers may stand', async () => {
  await using fixture = await configured();
  expect(() => serverNamed(fixture.configuration, 'all')).toThrow(`You cannot use 'all' in a single server context`);
  expect(() => serversNamed(fixture.configuration, ['all', 'pg'])).toThrow(`You cannot use 'all' with other server names`);
});
