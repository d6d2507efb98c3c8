/**
 * The connection service file (libpq.sgml, "The Connection Service File"; fe-connect.c, parseServiceInfo): sections `[name]` with
 * `keyword=value` lines. Values are taken as they stand, without quotes or escapes; blanks round the `=` are an error, as in libpq.
 *
 * The user's file is asked first (PGSERVICEFILE or ~/.pg_service.conf), then the one of the system.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConninfoError } from './conninfo-error.ts';
import { type ConninfoKeyword, nearestKeyword, toConninfoPair } from './conninfo-keywords.ts';

/** Which service to look up, and where. */
export interface ServiceLookup {
  readonly service: string;
  /** A file named on purpose (`servicefile`, PGSERVICEFILE): it must be there. Otherwise ~/.pg_service.conf is tried. */
  readonly file: string | undefined;
  readonly homeDirectory: string;
  /** PGSYSCONFDIR. Where it is not set, the directory that Debian's libpq is built with is taken. */
  readonly systemDirectory: string | undefined;
}

const debianSystemDirectory = '/etc/postgresql-common';

/**
 * The parameters of a service.
 * @throws {ConninfoError} `ERR_INVALID_SERVICE_FILE` when the service is nowhere defined or a file is wrong.
 */
export async function readService(lookup: ServiceLookup): Promise<ReadonlyMap<ConninfoKeyword, string>> {
  const own = lookup.file ?? join(lookup.homeDirectory, '.pg_service.conf');
  const system = join(lookup.systemDirectory ?? debianSystemDirectory, 'pg_service.conf');
  for (const path of [own, system]) {
    const text = await readIfThere(path, path === lookup.file);
    const values = text === undefined ? undefined : parseServiceFile(text, lookup.service, path);
    if (values !== undefined) return values;
  }
  throw new ConninfoError('ERR_INVALID_SERVICE_FILE', `definition of service "${lookup.service}" not found`, {
    hint: `Define it as a section [${lookup.service}] in "${own}" or "${system}".`,
  });
}

/**
 * Finds a service in the text of a service file, or gives undefined when it is not there. Only its own section is checked.
 * @param path shown in errors.
 * @throws {ConninfoError} `ERR_INVALID_SERVICE_FILE` when a line of the section is wrong.
 */
export function parseServiceFile(text: string, service: string, path: string): ReadonlyMap<ConninfoKeyword, string> | undefined {
  let values: Map<ConninfoKeyword, string> | undefined;
  for (const [index, rawLine] of text.split('\n').entries()) {
    const line = rawLine.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      if (values !== undefined) return values;
      if (line.startsWith(`[${service}]`)) values = new Map();
    } else if (values !== undefined) {
      const [keyword, value] = parseLine(line, `"${path}", line ${index + 1}`);
      // The first line wins, as everywhere in the merging of libpq: only what is not yet set is set.
      if (!values.has(keyword)) values.set(keyword, value);
    }
  }
  return values;
}

function parseLine(line: string, place: string): readonly [ConninfoKeyword, string] {
  const equals = line.indexOf('=');
  if (equals < 0) throw wrongLine(`syntax error in service file ${place}`, 'Write each parameter as keyword=value.');
  const name = line.slice(0, equals);
  if (name === 'service' || name === 'servicefile') {
    throw wrongLine(
      `nested "${name}" specifications are not supported in service file ${place}`,
      `Remove the line "${name}=...".`,
    );
  }
  const pair = toConninfoPair(name, line.slice(equals + 1));
  if (pair !== undefined) return [pair.keyword, pair.value];
  const nearest = nearestKeyword(name.trim());
  throw wrongLine(
    `unknown connection parameter in service file ${place}`,
    nearest === undefined
      ? 'Write keyword=value with the parameter names of libpq.'
      : `Perhaps you meant "${nearest}=", with no blanks before the equals sign.`,
  );
}

async function readIfThere(path: string, isRequired: boolean): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (!isRequired && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined;
    const problem = code === 'ENOENT' ? 'not found' : `cannot be read: ${String(code)}`;
    throw new ConninfoError('ERR_INVALID_SERVICE_FILE', `service file "${path}" ${problem}`, {
      hint: 'Check the path in PGSERVICEFILE or servicefile, and that the user that runs walvault may read the file.',
      cause: error,
    });
  }
}

function wrongLine(message: string, hint: string): ConninfoError {
  return new ConninfoError('ERR_INVALID_SERVICE_FILE', message, { hint });
}
