import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from './errors.ts';
import { type Configuration, loadConfiguration } from './load-configuration.ts';
import type { ServerConfig } from './server-config.ts';

let root: string;
let main: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'walvault-config-')));
  main = join(root, 'main.conf');
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

/** Writes a file below the test's directory; ROOT in it stands for that directory. */
function write(name: string, text: string | Uint8Array): string {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof text === 'string' ? text.replaceAll('ROOT', root) : text);
  return path;
}

function load(text: string): Promise<Configuration> {
  write('main.conf', text);
  return loadConfiguration({ explicit: main });
}

/** Loads a configuration with a server `pg` of these lines. */
async function loadServer(lines: string, globals = ''): Promise<ServerConfig> {
  const { servers } = await load(
    `[barman]\nbarman_home = ROOT/home\n${globals}\n[pg]\nconninfo = host=pg\narchiver = on\n${lines}\n`,
  );
  return servers.get('pg')!;
}

/** The error that a text gives, its lines without the test's directory. */
async function refusal(text: string): Promise<{ readonly error: ConfigError; readonly lines: readonly string[] }> {
  const error = await load(text).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof ConfigError)) throw new Error('the configuration was accepted', { cause: error });
  return { error, lines: error.message.replaceAll(`${root}/`, '').split('\n') };
}

/** The connection strings of a server, as they fall back on each other. */
function connectionsOf(pg: ServerConfig) {
  return [pg.conninfo, pg.streamingConninfo, pg.walConninfo, pg.walStreamingConninfo];
}

describe('the file of the document', () => {
  const text = `[barman]
barman_home = /srv/walvault

[pg]
conninfo = host=pg user=barman dbname=postgres
streaming_conninfo = host=pg user=streaming_barman
streaming_archiver = on
slot_name = barman
`;

  test('gives this value, defaults included', async () => {
    const { servers, globals, file, warnings } = await load(text);
    expect(file).toBe(main);
    expect(warnings).toEqual([]);
    expect(globals).toMatchObject({
      barmanHome: '/srv/walvault',
      barmanUser: 'barman',
      lockDirectory: '/srv/walvault',
      lockDirectoryCleanup: true,
      logFile: undefined,
      logLevel: 'INFO',
      configurationFilesDirectory: undefined,
      verifyBudget: 4194304,
    });
    const { settings, ...pg } = servers.get('pg')!;
    expect(pg).toEqual({
      name: 'pg',
      description: undefined,
      active: true,
      cluster: 'pg',
      passive: false,
      primarySshCommand: undefined,
      conninfo: 'host=pg user=barman dbname=postgres',
      streamingConninfo: 'host=pg user=streaming_barman',
      walConninfo: 'host=pg user=barman dbname=postgres',
      walStreamingConninfo: 'host=pg user=streaming_barman',
      healConninfo: [],
      primaryConninfo: undefined,
      primaryCheckpointTimeoutMs: 0,
      streamingArchiver: true,
      streamingArchiverName: 'barman_receive_wal',
      streamingArchiverBatchSize: 0,
      slotName: 'barman',
      createSlot: 'manual',
      slotPolicy: 'protect-archive',
      slotRetainedLimit: undefined,
      flush: 'continuous',
      gapPolicy: 'stop',
      verifyStream: true,
      statusIntervalMs: 10_000,
      archiver: false,
      archiverBatchSize: 0,
      archiveWhenComplete: false,
      archiveWorkers: 2,
      directories: {
        backup: '/srv/walvault/pg',
        incoming: '/srv/walvault/pg/incoming',
        streaming: '/srv/walvault/pg/streaming',
        wals: '/srv/walvault/pg/wals',
        errors: '/srv/walvault/pg/errors',
      },
      configFile: main,
      lockDirectory: '/srv/walvault',
      logFile: undefined,
      logLevel: 'INFO',
      xlogdbDirectory: undefined,
      compression: 'none',
      compressionLevel: 'low',
      customCompression: { filter: undefined, decompressionFilter: undefined, magic: undefined },
      encryption: { method: 'none', keyId: undefined, passphraseCommand: undefined },
      hookTimeoutMs: 3_600_000,
      hooks: {
        preArchive: undefined,
        preArchiveRetry: undefined,
        postArchiveRetry: undefined,
        postArchive: undefined,
        preWalDelete: undefined,
        preWalDeleteRetry: undefined,
        postWalDeleteRetry: undefined,
        postWalDelete: undefined,
      },
      retentionPolicy: undefined,
      walRetentionPolicy: { kind: 'main' },
      verifyIntervalMs: 604_800_000,
      pathPrefix: undefined,
      checkTimeoutMs: 30_000,
      lastWalMaximumAgeMs: undefined,
      receiveLagLimit: 1024 ** 3,
      rpoLimitMs: 300_000,
      archiveDelayLimitMs: 3_600_000,
      freeSpaceHours: 24,
      maxIncomingWalsQueue: undefined,
    });
    expect(settings.get('slot_name')).toEqual({ text: 'barman', origin: { file: main, line: 8 } });
    expect(settings.get('streaming_archiver_name')).toEqual({ text: 'barman_receive_wal', origin: 'default' });
    expect(settings.get('wals_directory')).toEqual({ text: '/srv/walvault/pg/wals', origin: 'default' });
    expect(settings.get('compression_level')).toEqual({ text: 'low', origin: 'default' });
    expect(settings.get('backup_method')).toEqual({ text: 'rsync', origin: 'default' });
    expect(settings.get('retention_policy')).toEqual({ text: undefined, origin: 'default' });
  });

  test('cannot be changed any more', async () => {
    const configuration = await load(text);
    const pg = configuration.servers.get('pg')! as unknown as Record<string, unknown> & { directories: Record<string, string> };
    expect(() => (pg['slotName'] = 'x')).toThrow(TypeError);
    expect(() => (pg.directories['wals'] = 'x')).toThrow(TypeError);
    expect(() => ((configuration.globals as { barmanHome: string }).barmanHome = 'x')).toThrow(TypeError);
    expect(
      Object.isFrozen(configuration.globals) && Object.isFrozen(configuration) && Object.isFrozen(configuration.warnings),
    ).toBe(true);
    expect(() => (configuration.servers as Map<string, unknown>).set('other', pg)).toThrow('cannot be changed');
    expect(() => (configuration.servers as Map<string, unknown>).clear()).toThrow('cannot be changed');
    expect(() => (pg['settings'] as Map<string, unknown>).delete('active')).toThrow('cannot be changed');
    expect(configuration.servers.size).toBe(1);
  });
});

describe('an option', () => {
  test('is taken from the server, else from [barman], else it has its default', async () => {
    const { servers } = await load(`[barman]
barman_home = ROOT
compression = zstd
archiver = on
slot_name = shared
flush = segment
gap_policy = Continue
[a]
conninfo = host=a
compression = gzip
[b]
conninfo = host=b
`);
    const [a, b] = [servers.get('a')!, servers.get('b')!];
    expect([a.compression, b.compression]).toEqual(['gzip', 'zstd']);
    expect([a.slotName, b.slotName]).toEqual(['shared', 'shared']);
    expect([a.flush, b.flush]).toEqual(['segment', 'segment']);
    expect([a.gapPolicy, b.gapPolicy]).toEqual(['continue', 'continue']);
    expect(b.settings.get('compression')?.origin).toEqual({ file: main, line: 3 });
  });

  test.each(['', 'None', '""', "'None'"])('set to %j is taken away, and not inherited', async (nothing) => {
    const globals = 'slot_name = shared\nretention_policy = REDUNDANCY 2\ncompression = zstd\nstreaming_archiver_name = mine';
    const names = ['slot_name', 'retention_policy', 'compression', 'streaming_archiver_name'];
    const pg = await loadServer(names.map((name) => `${name} = ${nothing}`).join('\n'), globals);
    expect(pg).toMatchObject({
      slotName: undefined,
      retentionPolicy: undefined,
      compression: 'none',
      streamingArchiverName: 'barman_receive_wal',
    });
    expect(pg.settings.get('slot_name')).toEqual({ text: undefined, origin: { file: main, line: 10 } });
  });

  test('may refer to others, in any order and over sections, and %% is a percent sign', async () => {
    const pg = await loadServer(
      `wals_directory = %(backup_directory)s/archive
backup_directory = %(BARMAN_HOME)s/servers/%(name)s
description = "100%% of %(cluster)s"
streaming_conninfo = %(conninfo)s user=s password=a%%b
`,
      'pre_archive_script = /bin/tell %(name)s',
    );
    expect(pg.directories.wals).toBe(`${root}/home/servers/pg/archive`);
    expect(pg.directories.errors).toBe(`${root}/home/servers/pg/errors`);
    expect(pg.description).toBe('100% of pg');
    expect(pg.streamingConninfo).toBe('host=pg user=s password=a%b');
    expect(pg.hooks.preArchive).toBe('/bin/tell pg');
  });

  test('may refer to values of [DEFAULT], which every section has', async () => {
    const { servers, warnings } = await load(
      '[DEFAULT]\nbase = ROOT/x\narchiver = on\n[barman]\nbarman_home = %(base)s/h\n[pg]\nconninfo = a=b\n',
    );
    expect(servers.get('pg')).toMatchObject({ archiver: true, directories: { backup: `${root}/x/h/pg` } });
    expect(warnings).toEqual([]);
  });

  test('keeps # and ; in its value, and goes on over indented lines', async () => {
    const pg = await loadServer("conninfo = host=pg\n    password='a#b;c'\n    user=barman\n");
    expect(pg.conninfo).toBe("host=pg\npassword='a#b;c'\nuser=barman");
  });

  test('has its connection strings fall back as Barman has them', async () => {
    expect(connectionsOf(await loadServer(''))).toEqual(['host=pg', 'host=pg', 'host=pg', 'host=pg']);
    expect(connectionsOf(await loadServer('streaming_conninfo = host=s'))).toEqual(['host=pg', 'host=s', 'host=pg', 'host=s']);
    expect(connectionsOf(await loadServer('wal_streaming_conninfo = host=ws'))).toEqual([
      'host=pg',
      'host=pg',
      'host=ws',
      'host=ws',
    ]);
    expect(connectionsOf(await loadServer('wal_conninfo = host=w\nwal_streaming_conninfo = host=ws'))).toEqual([
      'host=pg',
      'host=pg',
      'host=w',
      'host=ws',
    ]);
  });

  test('is typed', async () => {
    const pg = await loadServer(`slot_name = Barman
active = NO
create_slot = Auto
compression = ZSTD
compression_level = -3
last_wal_maximum_age = 2 HOURS
check_timeout = 0
status_interval = 60
archive_workers = 8
verify_stream = off
streaming_archiver_batch_size = 50
max_incoming_wals_queue = 10
retention_policy = RECOVERY WINDOW OF 2 WEEKS
primary_checkpoint_timeout = 5
xlogdb_directory = ROOT/xlogdb/
`);
    expect(pg).toMatchObject({
      slotName: 'barman',
      active: false,
      createSlot: 'auto',
      compression: 'zstd',
      compressionLevel: -3,
      lastWalMaximumAgeMs: 7_200_000,
      checkTimeoutMs: 0,
      statusIntervalMs: 60_000,
      archiveWorkers: 8,
      verifyStream: false,
      streamingArchiverBatchSize: 50,
      maxIncomingWalsQueue: 10,
      retentionPolicy: { kind: 'recoveryWindow', count: 2, unit: 'week' },
      primaryCheckpointTimeoutMs: 5000,
      xlogdbDirectory: `${root}/xlogdb`,
    });
  });
});

describe('several files', () => {
  test("are read in the order of their names, Barman's auto.conf last, and the last wins", async () => {
    write('conf.d/20-b.conf', '[b]\nconninfo = host=b\narchiver = on\n[a]\ndescription = from 20\n');
    write('conf.d/10-a.conf', '[a]\nconninfo = host=a\narchiver = on\ndescription = from 10\nslot_name = ten\ncluster = ten\n');
    write('conf.d/.hidden.conf', 'not read');
    write('conf.d/README', 'not read');
    const auto = write('home/.barman.auto.conf', '[a]\nslot_name = auto\n');
    const configuration = await load(
      '[barman]\nbarman_home = ROOT/home\nconfiguration_files_directory = ROOT/conf.d\n[a]\ndescription = main\ncheck_timeout = 7\n',
    );
    expect([...configuration.servers.keys()]).toEqual(['a', 'b']);
    const a = configuration.servers.get('a')!;
    expect(a).toMatchObject({ description: 'from 20', slotName: 'auto', cluster: 'ten', checkTimeoutMs: 7000 });
    expect(a.settings.get('slot_name')?.origin).toEqual({ file: auto, line: 2 });
    expect(configuration.warnings).toEqual([]);
  });

  test('must not set global options but in the main one; an empty [barman] does no harm', async () => {
    write('conf.d/a.conf', '[barman]\n# nothing\n');
    write('conf.d/b.conf', '\n[barman]\ncompression = gzip\n');
    const { lines } = await refusal('[barman]\nbarman_home = ROOT/home\nconfiguration_files_directory = ROOT/conf.d\n');
    expect(lines).toEqual(['conf.d/b.conf:3: [barman]: global options cannot be set in an included file']);
  });

  test.each([
    ['ROOT/nothing', /main\.conf:3: \[barman\] configuration_files_directory: cannot read directory "nothing": ENOENT$/],
    ['ROOT/main.conf', /main\.conf:3: \[barman\] configuration_files_directory: "main\.conf" is not a directory$/],
    ['conf.d', /configuration_files_directory: "conf\.d" is not allowed \(allowed: an absolute path/],
  ])('are not passed over when their directory is %s', async (directory, line) => {
    const { lines } = await refusal(`[barman]\nbarman_home = ROOT\nconfiguration_files_directory = ${directory}\n`);
    expect(lines).toEqual([expect.stringMatching(line)]);
  });

  test('that cannot be read are errors', async () => {
    write('conf.d/a.conf', new Uint8Array([0x5b, 0xff, 0x5d]));
    mkdirSync(join(root, 'conf.d/b.conf'));
    const { lines } = await refusal('[barman]\nbarman_home = ROOT\nconfiguration_files_directory = ROOT/conf.d\n');
    expect(lines).toEqual([
      'conf.d/a.conf: cannot read configuration file "conf.d/a.conf": it is not UTF-8 text',
      'conf.d/b.conf: cannot read configuration file "conf.d/b.conf": EISDIR',
    ]);
  });

  test('with a main one that is no text are not gone on with', async () => {
    write('main.conf', new Uint8Array([0xff, 0xfe]));
    await expect(loadConfiguration({ explicit: main })).rejects.toMatchObject({
      code: 'ERR_CONFIG_UNREADABLE',
      message: `cannot read configuration file "${main}": it is not UTF-8 text`,
    });
  });
});

describe('is refused with its place:', () => {
  const head = '[barman]\nbarman_home = /b\n[pg]\nconninfo = host=pg\n';
  test.each([
    ['no [barman] section', '[pg]\nconninfo = a=b\n', 'main.conf: [barman] barman_home: is required'],
    ['no barman_home', '# c\n[barman]\nlog_level = INFO\n', 'main.conf:2: [barman] barman_home: is required'],
    ['an empty barman_home', '[barman]\nbarman_home =\n', 'main.conf:1: [barman] barman_home: is required'],
    [
      'a relative path',
      '[barman]\nbarman_home = b\n',
      'main.conf:2: [barman] barman_home: "b" is not allowed (allowed: an absolute path, starting with "/")',
    ],
    [
      'a bad boolean',
      `${head}streaming_archiver = maybe\n`,
      'main.conf:5: [pg] streaming_archiver: "maybe" is not allowed (allowed: true, t, yes, 1, on, false, f, no, 0, off)',
    ],
    [
      'a bad slot name',
      `${head}slot_name = Bad-Name\n`,
      'main.conf:5: [pg] slot_name: "Bad-Name" is not allowed (allowed: lower-case letters, digits and underscores, up to 63)',
    ],
    ['a bad word', `${head}create_slot = yes\n`, 'main.conf:5: [pg] create_slot: "yes" is not allowed (allowed: manual, auto)'],
    [
      'a bad interval',
      `${head}last_wal_maximum_age = 5 minutes\n`,
      'main.conf:5: [pg] last_wal_maximum_age: "5 minutes" is not allowed (allowed: N HOURS, N DAYS, N WEEKS or N MONTHS)',
    ],
    [
      'a bad number',
      `${head}max_incoming_wals_queue = lots\n`,
      'main.conf:5: [pg] max_incoming_wals_queue: "lots" is not allowed (allowed: a whole number, 0 or more)',
    ],
    [
      'a number out of range',
      `${head}archive_workers = 65\n`,
      'main.conf:5: [pg] archive_workers: "65" is not allowed (allowed: a whole number, 1 to 64)',
    ],
    [
      'a bad log level',
      '[barman]\nbarman_home = /b\nlog_level = loud\n',
      'main.conf:3: [barman] log_level: "loud" is not allowed (allowed: NOTSET, DEBUG, INFO, WARNING, ERROR, CRITICAL)',
    ],
    [
      'a long value, which is cut',
      `${head}flush = ${'x'.repeat(200)}\n`,
      `main.conf:5: [pg] flush: "${'x'.repeat(80)}..." is not allowed (allowed: continuous, segment)`,
    ],
    [
      'a level that the compression does not have',
      `${head}compression = gzip\ncompression_level = 10\n`,
      'main.conf:6: [pg] compression_level: 10 is not allowed with gzip (allowed: 1 to 9)',
    ],
    [
      'a server to be protected without a limit',
      `${head}slot_policy = protect-server\n`,
      'main.conf:5: [pg] slot_policy: protect-server needs slot_retained_limit',
    ],
    [
      'a size without a unit',
      `${head}slot_retained_limit = 1024\n`,
      'main.conf:5: [pg] slot_retained_limit: "1024" is not allowed (allowed: a whole number with B, kB, MB, GB or TB behind it, 1MB or more)',
    ],
    ['gpg without a key', `${head}encryption = gpg\n`, 'main.conf:5: [pg] encryption: gpg needs encryption_key_id'],
    [
      'the name "all"',
      '[barman]\nbarman_home = /b\n[all]\nconninfo = a=b\n',
      'main.conf:3: [all]: "all" cannot be the name of a server',
    ],
    [
      'the name of the global section',
      '[barman]\nbarman_home = /b\n[Barman]\nconninfo = a=b\n',
      'main.conf:3: [Barman]: the name is reserved',
    ],
    [
      'a name with a slash',
      '[barman]\nbarman_home = /b\n[a/b]\nconninfo = a=b\n',
      'main.conf:3: [a/b]: the name of the server cannot be a file name everywhere',
    ],
    [
      'a hidden name',
      '[barman]\nbarman_home = /b\n[.a]\nconninfo = a=b\n',
      'main.conf:3: [.a]: the name of the server cannot be a file name everywhere',
    ],
    [
      'a reference to nothing',
      `${head}description = %(nothing)s\n`,
      'main.conf:5: [pg] description: refers to "%(nothing)s", which is not set',
    ],
    [
      'a reference to itself',
      `${head}wals_directory = %(wals_directory)s/x\n`,
      'main.conf:5: [pg] wals_directory: refers to itself through "%(wals_directory)s"',
    ],
    [
      'a percent sign alone',
      `${head}description = 50% done\n`,
      'main.conf:5: [pg] description: holds a "%" that is neither "%%" nor "%(option)s"',
    ],
    [
      'a percent sign in a base-backup option',
      `${head}ssh_command = ssh %h\n`,
      'main.conf:5: [pg] ssh_command: holds a "%" that is neither "%%" nor "%(option)s"',
    ],
    [
      'streaming with no connection',
      '[barman]\nbarman_home = /b\n[pg]\narchiver = on\nstreaming_archiver = on\n',
      'main.conf:5: [pg] streaming_archiver: is on, but there is no connection to stream from',
    ],
    [
      'streaming alone with no slot',
      `${head}streaming_archiver = on\n`,
      'main.conf:5: [pg] streaming_archiver: is on and archiver off, which requires slot_name',
    ],
    [
      'streaming alone with the slot taken away',
      `[barman]\nbarman_home = /b\nslot_name = s\nstreaming_archiver = on\n[pg]\nconninfo = a=b\nslot_name =\n`,
      'main.conf:4: [pg] streaming_archiver: is on and archiver off, which requires slot_name',
    ],
    [
      'a model without a cluster',
      '[barman]\nbarman_home = /b\n[m]\nmodel = true\n',
      'main.conf:4: [m] cluster: is required in a model',
    ],
    [
      'a mark that is no boolean',
      '[barman]\nbarman_home = /b\n[m]\nmodel = perhaps\n',
      'main.conf:4: [m] model: "perhaps" is not allowed (allowed: true, t, yes, 1, on, false, f, no, 0, off)',
    ],
    ['a line that is no option', `${head}nonsense\n`, 'main.conf:5: [pg]: the line is no section header and no "option = value"'],
  ])('%s', async (_, text, line) => {
    const { error, lines } = await refusal(text);
    expect(lines).toEqual([line]);
    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID', retry: 'fatal' });
    expect(error.problems).toHaveLength(1);
  });

  test('custom compression without its filters', async () => {
    const { lines } = await refusal(`${head}compression = custom\n`);
    expect(lines).toEqual([
      'main.conf:5: [pg] compression: custom needs custom_compression_filter',
      'main.conf:5: [pg] compression: custom needs custom_decompression_filter',
    ]);
  });

  test('everything at once, in the order of files and lines, each thing once', async () => {
    write('conf.d/z.conf', '[z]\nconninfo = host=z\narchive_workers = 0\n');
    const { error, lines } = await refusal(`[barman]
barman_home = ROOT/home
configuration_files_directory = ROOT/conf.d
compression = zip
[b]
conninfo = host=b
wals_directory = wals
[a]
conninfo = host=a
streaming_archiver = maybe
slotname = a
`);
    expect(lines).toEqual([
      expect.stringMatching(/^main\.conf:4: \[barman\] compression: "zip" is not allowed/),
      expect.stringMatching(/^main\.conf:7: \[b\] wals_directory: "wals" is not allowed/),
      expect.stringMatching(/^main\.conf:10: \[a\] streaming_archiver: "maybe" is not allowed/),
      expect.stringMatching(/^conf\.d\/z\.conf:3: \[z\] archive_workers: "0" is not allowed/),
    ]);
    expect(error.problems[2]).toMatchObject({ file: main, line: 10, section: 'a', option: 'streaming_archiver' });
    expect(error.warnings.map(({ option }) => option)).toContain('slotname');
  });
});
