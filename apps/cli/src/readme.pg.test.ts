/** The session that the README shows is what happens, apart from process IDs, positions and paths. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { Vault } from './acceptance/vault.test-support.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, configuration] = /^```ini\n(.*?)^```$/ms.exec(readme)!;
const session = [...readme.matchAll(/^```console\n(.*?)^```$/gms)].map(([, text]) => text).join('');
const commands = [...session.matchAll(/^\$ walvault (.*)\n((?:[^$].*\n)*)/gm)].map(([, words, output]) => ({
  words: words!,
  output,
}));

function general(text: string, home: string): string {
  return text
    .replaceAll(home, '/var/lib/barman')
    .replaceAll(/LSN [0-9A-F]+\/[0-9A-F]+/g, 'LSN 0/3000000')
    .replaceAll(/\bpid \d+/g, 'pid 4711')
    .replaceAll(/\(\d+\)/g, '(4711)');
}

test('the session of the README', async () => {
  await using pg = await startCluster({ segmentSizeMb: 1 });
  await pg.query('create role barman login; create role streaming_barman login replication');
  await using vault = await Vault.create({});
  const here = configuration!.replaceAll('host=pg', `host=${pg.host} port=${pg.port}`).replace('/var/lib/barman', vault.home);
  await writeFile(vault.configFile, here);
  expect(commands.length).toBe(5);
  for (const { words, output } of commands) {
    const { code, stdout, stderr } = await vault.run(...words.split(' '));
    expect({ words, code, said: general(stdout, vault.home), stderr }).toEqual({ words, code: 0, said: output, stderr: '' });
  }
});
