import { createStandby, startCluster } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { Receiving } from '../receiving.test-support.ts';

test('behind a standby the primary says what would be lost, and without it that is not known', async () => {
  await using primary = await startCluster();
  await using all = await Receiving.start(await createStandby(primary), { primary_conninfo: primary.conninfo() });
  const recoveryPoint = async () => (await all.summary()).rpo;
  await expect.poll(recoveryPoint).toMatchObject({ durableBytes: 0, durableReason: null });
  await primary.stop('immediate');
  await expect.poll(recoveryPoint).toMatchObject({ durableSeconds: null, durableBytes: null });
  expect((await recoveryPoint()).durableReason).toContain('its primary cannot be asked');
  expect((await all.app.inject('/metrics')).body).toContain('walvault_rpo_known{server="pg",place="durable"} 0');
});
