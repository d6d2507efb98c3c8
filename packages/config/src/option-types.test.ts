import { describe, expect, test } from 'vitest';
import {
  booleanType,
  compressionLevelType,
  conninfoListType,
  hexType,
  intervalType,
  oneOf,
  pathType,
  retentionPolicyType,
  seconds,
  size,
  slotNameType,
  walRetentionPolicyType,
  wholeNumber,
} from './option-types.ts';

const hour = 3_600_000;

describe('what is written becomes', () => {
  test.each([
    ...['true', 't', 'yes', '1', 'on', 'ON', 'True'].map((text) => [booleanType, text, true] as const),
    ...['false', 'f', 'no', '0', 'off', 'Off'].map((text) => [booleanType, text, false] as const),
    [intervalType, '1 hour', hour],
    [intervalType, '36 HOURS', 36 * hour],
    [intervalType, '1 DAY', 24 * hour],
    [intervalType, '2  weeks', 14 * 24 * hour],
    [intervalType, '1 Month', 31 * 24 * hour],
    [slotNameType, 'Barman_1', 'barman_1'],
    [slotNameType, 'a'.repeat(63), 'a'.repeat(63)],
    [pathType, '/', '/'],
    [pathType, '/srv/wal//', '/srv/wal'],
    [pathType, '/with a blank/and ü', '/with a blank/and ü'],
    [compressionLevelType, 'HIGH', 'high'],
    [compressionLevelType, '-5', -5],
    [hexType, '0x1F8B08', '0x1f8b08'],
    [wholeNumber(0), '0', 0],
    [wholeNumber(1, 64), '64', 64],
    [seconds(1, 3600), '10', 10_000],
    [size('0'), '0', 0],
    [size('0'), '0B', 0],
    [size('1MB'), '1MB', 1024 ** 2],
    [size('0'), '64 kB', 64 * 1024],
    [size('0'), '2TB', 2 * 1024 ** 4],
    [oneOf('none', 'gzip'), 'GZIP', 'gzip'],
    [retentionPolicyType, 'redundancy 2', { kind: 'redundancy', backups: 2 }],
    [retentionPolicyType, 'RECOVERY WINDOW OF 4 WEEKS', { kind: 'recoveryWindow', count: 4, unit: 'week' }],
    [retentionPolicyType, 'Recovery  Window of 1 day', { kind: 'recoveryWindow', count: 1, unit: 'day' }],
    [walRetentionPolicyType, 'MAIN', { kind: 'main' }],
    [walRetentionPolicyType, 'recovery window of 3 months', { kind: 'recoveryWindow', count: 3, unit: 'month' }],
    [conninfoListType, 'host=a user=x\n\n  postgresql://b/ ', ['host=a user=x', 'postgresql://b/']],
  ] as const)('$0.name %j: %j', (type, text, value) => {
    expect(type.parse(text)).toEqual(value);
  });
});

describe('is refused', () => {
  test.each([
    ...['maybe', 'y', '2', 'enabled', ' on'].map((text) => [booleanType, text] as const),
    ...['5 minutes', '1', 'day', '-1 days', '1.5 days', '1day', '9999999 days'].map((text) => [intervalType, text] as const),
    ...['bad-name', 'a b', 'ä', 'a'.repeat(64), '%'].map((text) => [slotNameType, text] as const),
    ...['wals', './wals', '~/wals', 's3://bucket/wals', '/a\0b', '/a\nb'].map((text) => [pathType, text] as const),
    ...['best', '1.5', '--1', '1000'].map((text) => [compressionLevelType, text] as const),
    ...['1f8b', '0x1f8', '0x', '0xzz'].map((text) => [hexType, text] as const),
    ...['-1', '1.0', '1e3', '0x10', 'lots', '+1', ' 1', '1_000'].map((text) => [wholeNumber(0), text] as const),
    ...['0', '65'].map((text) => [wholeNumber(1, 64), text] as const),
    ...['0', '1024', '1023kB', '1mb', '1.5GB', '-1GB', '1  GB', '9999999999TB'].map((text) => [size('1MB'), text] as const),
    ...['0', '3601'].map((text) => [seconds(1, 3600), text] as const),
    ...['gz', 'none gzip'].map((text) => [oneOf('none', 'gzip'), text] as const),
    ...['2', 'REDUNDANCY', 'REDUNDANCY x', 'RECOVERY WINDOW OF 4', 'RECOVERY WINDOW OF 4 YEARS'].map(
      (text) => [retentionPolicyType, text] as const,
    ),
    ...['none', 'REDUNDANCY 2', 'RECOVERY WINDOW OF 0 DAYS', '7 days'].map((text) => [walRetentionPolicyType, text] as const),
  ])('$0.name %j', (type, text) => {
    expect(type.parse(text)).toBeUndefined();
    expect(type.allowed).not.toBe('');
  });
});
