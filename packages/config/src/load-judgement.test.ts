/** What the loader makes of configurations that can be read: warnings, conflicts of paths, models, passwords, and a large real one. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, formatProblem } from './errors.ts';
import { type Configuration, loadConfiguration } from './load-configuration.ts';

let root: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'walvault-config-')));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

/** Writes a file below the test's directory; ROOT in it stands for that directory. */
function write(name: string, text: string): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text.replaceAll('ROOT', root));
  return path;
}

function load(servers: string): Promise<Configuration> {
  return loadConfiguration({ explicit: write('main.conf', `[barman]\nbarman_home = ROOT/home\n${servers}`) });
}

async function warningsOf(servers: string): Promise<readonly string[]> {
  const { warnings } = await load(servers);
  return warnings.map((warning) => formatProblem(warning).replaceAll(`${root}/`, ''));
}

async function problemsOf(servers: string): Promise<readonly string[]> {
  try {
    await load(servers);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(`${root}/`, '').split('\n');
    throw error;
  }
  throw new Error('the configuration was accepted');
}

/** The section of a server that is right but for these lines. */
function server(name: string, lines: string): string {
  return `[${name}]\nconninfo = host=x\narchiver = on\n${lines}`;
}

describe('a warning is given for', () => {
  const pg = '[pg]\nconninfo = host=pg\narchiver = on\n';

  test.each([
    [
      'an unknown option, with the nearest name',
      `${pg}stream_archiver = on\n`,
      'main.conf:6: [pg] stream_archiver: is no option that is known; did you mean "streaming_archiver"?',
    ],
    [
      'an unknown option that is near to nothing',
      `${pg}bogus_option = on\n`,
      'main.conf:6: [pg] bogus_option: is no option that is known',
    ],
    [
      'an unknown global option',
      `lock_directory = /x\n${pg}`,
      'main.conf:3: [barman] lock_directory: is no option that is known',
    ],
    [
      'an option of a server in [barman]',
      `conninfo = host=x\n${pg}`,
      'main.conf:3: [barman] conninfo: has no effect in [barman], since servers do not inherit it; set it for each server',
    ],
    [
      'a global option at a server',
      `${pg}log_level = DEBUG\n`,
      'main.conf:6: [pg] log_level: has no effect in the section of a server; it belongs into [barman]',
    ],
    [
      'a server that archives nothing',
      '[pg]\nconninfo = host=pg\n',
      'main.conf:3: [pg]: neither streaming_archiver nor archiver is on: no WAL of this server is received or archived',
    ],
    [
      'a server that cannot be asked',
      '[pg]\narchiver = on\n',
      'main.conf:3: [pg] conninfo: is not set: nothing can be asked of the server, nor its WAL switched',
    ],
    [
      'an option that is set twice',
      `${pg}slot_name = a\nslot_name = b\n`,
      'main.conf:6: [pg] slot_name: is set again in line 7, which wins',
    ],
    [
      'an option that is indented by mistake',
      `${pg}description = x\n  slot_name = b\n`,
      'main.conf:7: [pg] description: this line goes on with the value of "description", since it is indented deeper',
    ],
    ['no server at all', '', 'main.conf: no server is configured'],
  ])('%s', async (_, text, line) => {
    expect(await warningsOf(text)).toEqual([line]);
  });

  test('nothing in a passive server, which has neither connection nor archiver', async () => {
    expect(await warningsOf('[pg]\nprimary_ssh_command = ssh barman@primary\n')).toEqual([]);
    const { servers } = await load('[pg]\nprimary_ssh_command = ssh barman@primary\n');
    expect(servers.get('pg')?.passive).toBe(true);
  });

  test('nothing in the mark that Barman itself sets', async () => {
    expect(await warningsOf(`${pg}disabled = true\nmodel = false\n`)).toEqual([]);
  });
});

describe('directories', () => {
  test('of one server must differ', async () => {
    expect(await problemsOf(server('a', 'wals_directory = ROOT/w\nincoming_wals_directory = ROOT/w/\n'))).toEqual([
      'main.conf:6: [a] wals_directory: "w" is incoming_wals_directory of server "a" already',
    ]);
  });

  test('of two servers must differ, those of base backups included', async () => {
    const both = server('a', 'basebackups_directory = ROOT/x\n') + server('b', 'errors_directory = ROOT/x\n');
    expect(await problemsOf(both)).toEqual([
      'main.conf:10: [b] errors_directory: "x" is basebackups_directory of server "a" already',
    ]);
  });

  test('must differ from defaults too', async () => {
    const lines = await problemsOf(server('a', '') + server('b', 'backup_directory = ROOT/home/a\n'));
    expect(lines).toHaveLength(6);
    expect(lines[0]).toBe('main.conf:6: [b] basebackups_directory: "home/a/base" is basebackups_directory of server "a" already');
    expect(lines[5]).toBe('main.conf:9: [b] backup_directory: "home/a" is backup_directory of server "a" already');
  });

  test('are compared without symbolic links, whether they exist or not', async () => {
    mkdirSync(join(root, 'real'));
    symlinkSync(join(root, 'real'), join(root, 'link'));
    expect(await problemsOf(server('a', 'errors_directory = ROOT/link/new/e\nwals_directory = ROOT/real/new/e\n'))).toEqual([
      'main.conf:7: [a] wals_directory: "real/new/e" is errors_directory of server "a" already',
    ]);
    expect(await problemsOf(server('a', 'errors_directory = ROOT/real\nwals_directory = ROOT/link\n'))).toEqual([
      'main.conf:7: [a] wals_directory: "link" is errors_directory of server "a" already (it is "real")',
    ]);
  });

  test('of base backups may be somewhere else, in a cloud', async () => {
    const { servers } = await load(
      server('a', 'basebackups_directory = s3://bucket/base\n') + server('b', 'basebackups_directory = s3://bucket/base\n'),
    );
    expect(servers.size).toBe(2);
  });
});

describe('a model', () => {
  const text = '[pg]\nconninfo = host=pg\narchiver = on\n[pg:other]\nmodel = true\ncluster = pg\nconninfo = host=other\n';

  test('is accepted and no server', async () => {
    const { servers, warnings } = await load(text);
    expect([...servers.keys()]).toEqual(['pg']);
    expect(servers.get('pg')?.conninfo).toBe('host=pg');
    expect(warnings).toEqual([]);
  });

  test('that is switched on gives a warning, since it is not applied', async () => {
    write('home/pg/.active-model.auto', 'pg:other\n');
    expect(await warningsOf(text)).toEqual([
      'main.conf:3: [pg]: model "pg:other" is switched on for this server (home/pg/.active-model.auto), but models are not applied',
    ]);
  });

  test('has its options looked at as well', async () => {
    expect(await warningsOf(`${text}coninfo = x\n`)).toEqual([
      'main.conf:10: [pg:other] coninfo: is no option that is known; did you mean "conninfo"?',
    ]);
  });
});

describe('a password', () => {
  test('is in the value to connect with, and not in the setting to show', async () => {
    const { servers } = await load("[pg]\nconninfo = host=pg password='open sesame'\narchiver = on\n");
    expect(servers.get('pg')?.conninfo).toBe("host=pg password='open sesame'");
    expect(servers.get('pg')?.settings.get('conninfo')?.text).toBe('host=pg password=*REDACTED*');
    expect(servers.get('pg')?.settings.get('streaming_conninfo')?.text).toBe('host=pg password=*REDACTED*');
  });

  test.each([
    [
      'with a percent sign',
      'conninfo = host=pg password=sesame%1\n',
      'conninfo: holds a "%" that does not refer to an option that is set',
    ],
    [
      'like a reference',
      'conninfo = host=pg password=%(sesame)s\n',
      'conninfo: holds a "%" that does not refer to an option that is set',
    ],
    [
      'that was copied into another option',
      'flush = %(conninfo)s\nconninfo = password=sesame\n',
      'flush: "password=*REDACTED*" is not allowed',
    ],
    ['on a line that lost its indent', 'conninfo = host=pg\npostgres //u:sesame@h\n', 'the line is no section header'],
  ])('%s is not in the error', async (_, lines, message) => {
    const error = await load(`[pg]\narchiver = on\n${lines}`).catch((error: unknown) => error);
    if (!(error instanceof ConfigError)) throw new Error('the configuration was accepted');
    expect(error.message).toContain(message);
    expect(JSON.stringify([error.message, error.hint, error.problems, error.warnings])).not.toContain('sesame');
  });
});

test("a large file of a Barman installation is read with no warning, and Barman's part of it left alone", async () => {
  write('barman.d/streaming.conf', streaming);
  write('barman.d/rsync.conf', rsync);
  write('barman.d/passive.conf', passive);
  const { servers, warnings, globals } = await load(global);
  expect(warnings.map(formatProblem)).toEqual([]);
  expect(globals).toMatchObject({ barmanUser: 'backup', logFile: `${root}/log/barman.log`, logLevel: 'DEBUG' });
  expect([...servers.keys()]).toEqual(['erp-main', 'erp_copy', 'shop']);
  expect(servers.get('shop')).toMatchObject({
    description: 'Shop (streaming only)',
    streamingConninfo: 'host=shop-1,shop-2\nuser=streaming_barman\ntarget_session_attrs=any',
    streamingArchiver: true,
    archiver: false,
    slotName: 'barman_shop',
    createSlot: 'auto',
    compression: 'zstd',
    compressionLevel: 'high',
    pathPrefix: '/usr/pgsql-17/bin',
    retentionPolicy: { kind: 'recoveryWindow', count: 4, unit: 'week' },
    lastWalMaximumAgeMs: 3_600_000,
    checkTimeoutMs: 120_000,
  });
  expect(servers.get('erp-main')).toMatchObject({
    archiver: true,
    streamingArchiver: false,
    compression: 'gzip',
    archiverBatchSize: 50,
    directories: { incoming: `${root}/fast/incoming`, wals: `${root}/home/erp-main/wals` },
    hooks: { preArchive: undefined, postArchive: 'logger -t barman "$BARMAN_SEGMENT"; true' },
    retentionPolicy: { kind: 'redundancy', backups: 3 },
  });
  expect(servers.get('erp_copy')).toMatchObject({ passive: true, conninfo: undefined });
  expect(servers.get('erp-main')?.settings.get('ssh_command')).toEqual({
    text: 'ssh postgres@erp -q',
    origin: { file: join(root, 'barman.d/rsync.conf'), line: 6 },
  });
  expect(servers.get('shop')?.settings.get('backup_options')).toMatchObject({ text: 'concurrent_backup' });
});

const global = `; Site configuration, kept by hand
; ===============================
barman_user = backup
configuration_files_directory = ROOT/barman.d
barman_lock_directory = ROOT/home/locks
lock_directory_cleanup = true
log_file = ROOT/log/barman.log
log_level = debug
log_format = "%%(asctime)s [%%(process)s] %%(levelname)s: %%(message)s"

;compression = bzip2
compression = zstd
compression_level = high
post_archive_script = logger -t barman "$BARMAN_SEGMENT"; true
pre_backup_script = env | grep ^BARMAN
pre_backup_retry_script = /bin/true
post_backup_script = env | grep ^BARMAN
post_delete_script = /bin/true
pre_recovery_script = /bin/true

bandwidth_limit = 40000
parallel_jobs = 4
parallel_jobs_start_batch_size = 20
immediate_checkpoint = true
network_compression = false
basebackup_retry_times = 3
basebackup_retry_sleep = 30
check_timeout = 120
last_backup_maximum_age = 1 WEEKS
last_backup_minimum_size = 1Gi
last_wal_maximum_age = 1 HOUR
minimum_redundancy = 1
retention_policy = RECOVERY WINDOW OF 4 WEEKS
retention_policy_mode = auto
wal_retention_policy = main
recovery_options = get-wal
backup_options = concurrent_backup
reuse_backup = link
autogenerate_manifest = true
staging_path = /var/tmp
staging_location = local
`;

const streaming = `[shop]
description =  "Shop (streaming only)"
conninfo = host=shop-1,shop-2 user=barman dbname=postgres
streaming_conninfo = host=shop-1,shop-2
    user=streaming_barman
    # the standby serves as well
    target_session_attrs=any
backup_method = postgres
streaming_backup_name = barman_streaming_backup
backup_compression = zstd
backup_compression_format = tar
backup_compression_level = 3
backup_compression_workers = 2
backup_compression_location = server
streaming_archiver = on
slot_name = barman_shop
create_slot = auto
streaming_archiver_batch_size = 0
path_prefix = "/usr/pgsql-17/bin"
snapshot_provider = aws
snapshot_instance = i-0
snapshot_disks = disk-1, disk-2
aws_region = eu-west-1
aws_profile = backup
azure_subscription_id = x
azure_resource_group = y
keepalive_interval = 30
`;

const rsync = `; with archive_command
[erp-main]
description = ERP
conninfo = host=erp user=barman dbname=postgres
backup_method = rsync
ssh_command = ssh postgres@erp -q
archiver = on
archiver_batch_size = 50
streaming_archiver = off
compression = gzip
compression_level = 9
incoming_wals_directory = ROOT/fast/incoming
basebackups_directory = ROOT/slow/base
tablespace_bandwidth_limit = tbs1:4000, tbs2:8000
retention_policy = REDUNDANCY 3
minimum_redundancy = 3
reuse_backup = off
worm_mode = off
`;

const passive = `[erp_copy]
description = Copy of ERP
primary_ssh_command = ssh barman@other
forward_config_path = true
`;
