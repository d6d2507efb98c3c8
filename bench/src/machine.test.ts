import { describe, expect, test } from 'vitest';
import { describeMachine, fileSystemOf } from './machine.ts';

const mounts = [
  'rootfs / rootfs rw 0 0',
  '/dev/sda1 / ext4 rw,relatime 0 0',
  'tmpfs /tmp tmpfs rw,nosuid 0 0',
  '/dev/sdb1 /tmp/with\\040blank xfs rw 0 0',
  '',
].join('\n');

describe('fileSystemOf', () => {
  test.each([
    ['/var/tmp', 'ext4 on /dev/sda1 (rw,relatime)'],
    ['/tmp', 'tmpfs on tmpfs (rw,nosuid)'],
    ['/tmp/x', 'tmpfs on tmpfs (rw,nosuid)'],
    ['/tmpx', 'ext4 on /dev/sda1 (rw,relatime)'],
    ['/tmp/with blank/x', 'xfs on /dev/sdb1 (rw)'],
  ])('of %s is %s', (path, expected) => {
    expect(fileSystemOf(path, mounts)).toBe(expected);
  });
});

test('describeMachine tells about this machine', async () => {
  const machine = await describeMachine('/');
  expect(machine.cores).toBeGreaterThan(0);
  expect(machine.memoryBytes).toBeGreaterThan(0);
  expect(machine.fileSystem).toMatch(/^\S+ on .+ \(.+\)$/);
});
