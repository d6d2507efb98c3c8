/** What cannot be, or is hardly meant, in the options of one server taken together. */
import type { Problems } from './problems.ts';
import type { Resolver } from './resolver.ts';
import type { Compression, ServerValues } from './server-options.ts';
import type { SourceSection } from './sources.ts';

/** A server under examination. */
export interface ServerUnderCheck {
  readonly section: SourceSection;
  /** Without the options that are not set or have a problem of their own. */
  readonly values: Partial<ServerValues>;
  readonly resolver: Resolver;
  readonly problems: Problems;
}

/** Levels that each compression knows, as Barman has them; those without levels are not listed. */
const levels: Readonly<Partial<Record<Compression, readonly [least: number, greatest: number]>>> = {
  gzip: [1, 9],
  pigz: [1, 9],
  pygzip: [1, 9],
  bzip2: [1, 9],
  pybzip2: [1, 9],
  xz: [1, 9],
  zstd: [-22, 22],
  lz4: [0, 16],
};

/** Reports all that is wrong with a server whose single options are looked at already. */
export function checkServer(server: ServerUnderCheck): void {
  checkName(server);
  if (server.values.primary_ssh_command === undefined) checkArchivers(server);
  checkCompression(server);
  checkSlotPolicy(server);
  if (server.values.encryption === 'gpg' && isMissing(server, 'encryption_key_id')) {
    error(
      server,
      'encryption',
      'gpg needs encryption_key_id',
      'Set encryption_key_id to the key that segments are encrypted for.',
    );
  }
}

/** Names go into the names of lock files and directories. */
function checkName({ section, problems }: ServerUnderCheck): void {
  const report = (message: string, hint: string) =>
    problems.error({ file: section.file, line: section.line, section: section.name, message, hint });
  if (section.name === 'all')
    report('"all" cannot be the name of a server', 'Rename the section: "all" stands for every server.');
  else if (section.name.toLowerCase() === 'barman') report('the name is reserved', 'Write [barman] for the global options.');
  else if (!/^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,127}$/.test(section.name)) {
    report('the name of the server cannot be a file name everywhere', 'Use letters, digits, _ . @ + - only, up to 128.');
  }
}

function checkArchivers(server: ServerUnderCheck): void {
  const { values, section, problems } = server;
  const noConninfo = isMissing(server, 'conninfo');
  if (
    values.streaming_archiver &&
    noConninfo &&
    isMissing(server, 'streaming_conninfo') &&
    isMissing(server, 'wal_streaming_conninfo')
  ) {
    error(
      server,
      'streaming_archiver',
      'is on, but there is no connection to stream from',
      'Set streaming_conninfo, or conninfo.',
    );
  } else if (noConninfo) {
    const message = 'is not set: nothing can be asked of the server, nor its WAL switched';
    problems.warning({ file: section.file, line: section.line, section: section.name, option: 'conninfo', message });
  }
  if (values.streaming_archiver && values.archiver === false && isMissing(server, 'slot_name')) {
    const hint = 'Set slot_name, so that the server keeps WAL until it is received, or turn archiver on as well.';
    error(server, 'streaming_archiver', 'is on and archiver off, which requires slot_name', hint);
  }
  if (values.streaming_archiver === false && values.archiver === false) {
    const message = 'neither streaming_archiver nor archiver is on: no WAL of this server is received or archived';
    problems.warning({ file: section.file, line: section.line, section: section.name, message });
  }
}

function checkCompression(server: ServerUnderCheck): void {
  const { compression, compression_level: level } = server.values;
  const range = levels[compression ?? 'none'];
  if (typeof level === 'number' && range !== undefined && (level < range[0] || level > range[1])) {
    error(server, 'compression_level', `${level} is not allowed with ${compression} (allowed: ${range[0]} to ${range[1]})`);
  }
  if (typeof level === 'number' && (compression === 'lz4' || compression === 'snappy')) {
    const message = `${level} has no effect: ${compression} is always written at its one level here`;
    warning(server, 'compression_level', message);
  }
  if (compression !== 'custom') return;
  for (const filter of ['custom_compression_filter', 'custom_decompression_filter'] as const) {
    if (isMissing(server, filter)) error(server, 'compression', `custom needs ${filter}`);
  }
}

function checkSlotPolicy(server: ServerUnderCheck): void {
  if (server.values.slot_policy !== 'protect-server' || !isMissing(server, 'slot_retained_limit')) return;
  const hint = 'Set slot_retained_limit to what the slot may keep on the server, well below max_slot_wal_keep_size: 20GB.';
  error(server, 'slot_policy', 'protect-server needs slot_retained_limit', hint);
}

/** Not set; an option that has a problem of its own is set, and enough was said about it. */
function isMissing({ values, resolver }: ServerUnderCheck, option: keyof ServerValues): boolean {
  return values[option] === undefined && !resolver.isBroken(option);
}

function warning({ section, resolver, problems }: ServerUnderCheck, option: keyof ServerValues, message: string): void {
  const { file, line } = resolver.sourceOf(option) ?? section;
  problems.warning({ file, line, section: section.name, option, message });
}

function error(
  { section, resolver, problems }: ServerUnderCheck,
  option: keyof ServerValues,
  message: string,
  hint?: string,
): void {
  const { file, line } = resolver.sourceOf(option) ?? section;
  problems.error({ file, line, section: section.name, option, message, hint });
}
