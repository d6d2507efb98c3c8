/** No systemd runs the units here: its own tool reads them, and judges what they may do. */
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, type ProgramResult, runAsServerUser, temporaryDirectory } from '@walvault/testkit';
import { afterAll, expect, test } from 'vitest';
import { checkout, packagingFile } from './packaging-files.test-support.ts';

const names = readdirSync(join(checkout, 'packaging/systemd')).toSorted();
const services = names.filter((name) => name.endsWith('.service'));
const place = await temporaryDirectory('systemd');
afterAll(async () => place[Symbol.asyncDispose]());

/** systemd-analyze wants the program to be there. */
await mkdir(join(place.path, 'units'));
for (const name of names) {
  const text = packagingFile(`systemd/${name}`).replaceAll('/usr/bin/walvault', process.execPath);
  await writeFile(join(place.path, 'units', name), text);
}

async function analyze(...words: readonly string[]): Promise<ProgramResult> {
  const { argv, env } = findProgram('systemd-analyze');
  return runAsServerUser([...argv, ...words], { env });
}

function unitPath(name: string): string {
  return join(place.path, 'units', name);
}

test('there are the units that the documents speak of', () => {
  expect(names).toEqual(['walvault-cron.service', 'walvault-cron.timer', 'walvault-receive@.service', 'walvault.service']);
});

test.each(names)('systemd-analyze verify finds nothing in %s', async (name) => {
  const { code, stdout, stderr } = await analyze('verify', '--man=no', unitPath(name));
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('systemd-analyze verify does find what is wrong', async () => {
  await writeFile(
    unitPath('wrong.service'),
    packagingFile('systemd/walvault.service').replace('WatchdogSec=60s', 'WatchdogSec=often'),
  );
  expect((await analyze('verify', '--man=no', unitPath('wrong.service'))).stderr).toMatch(/Failed to parse WatchdogSec|often/);
});

test.each(services)('systemd-analyze security calls %s well protected: an exposure of at most 2.0', async (name) => {
  const { code, stdout } = await analyze('security', '--offline=true', '--threshold=20', unitPath(name));
  expect(stdout).toMatch(/Overall exposure level/);
  expect(code).toBe(0);
});

test('what the services may do is the same', () => {
  const hardening = services.map((name) =>
    packagingFile(`systemd/${name}`)
      .split(/\n\n/)
      .find((part) => part.startsWith('# What it may do'))
      ?.trimEnd(),
  );
  expect(hardening[0]?.length).toBeGreaterThan(500);
  expect(new Set(hardening).size).toBe(1);
});
