/**
 * config check: all that is wrong with a configuration, at once. Beside what loading it looks at, the connection strings are taken apart
 * as they are for connecting; nothing is connected.
 */
import {
  type Configuration,
  ConfigError,
  type ConfigProblem,
  findConfigurationFile,
  loadConfiguration,
  type ServerConfig,
} from '@walvault/config';
import { resolveConnection } from '@walvault/protocol';
import { WalvaultError } from '@walvault/wal';

/** What the check found. */
export interface ConfigurationCheck {
  /** The main file. */
  readonly file: string;
  /** All files that were read; the main one alone when the configuration could not be loaded. */
  readonly files: readonly string[];
  /** Names of the servers; none when the configuration could not be loaded. */
  readonly servers: readonly string[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

/**
 * Checks a configuration.
 * @param explicit the file; looked for at the usual places unless given
 * @throws {ConfigError} `ERR_CONFIG_NOT_FOUND` or `ERR_CONFIG_UNREADABLE` when there is no file to check
 */
export async function checkConfiguration(explicit: string | undefined): Promise<ConfigurationCheck> {
  const file = await findConfigurationFile({ explicit });
  try {
    const configuration = await loadConfiguration({ explicit: file });
    const { files, servers, warnings } = configuration;
    return { file, files, servers: [...servers.keys()], problems: await connectionProblems(configuration), warnings };
  } catch (error) {
    if (!(error instanceof ConfigError) || error.code !== 'ERR_CONFIG_INVALID') throw error;
    const { problems, warnings } = error;
    return { file, files: [file], servers: [], problems, warnings };
  }
}

async function connectionProblems({ servers }: Configuration): Promise<readonly ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  for (const server of servers.values()) {
    for (const { option, conninfo, replication } of connectionStrings(server)) {
      const problem = await problemOf(server, option, resolveConnection(conninfo, { replication }));
      if (problem !== undefined) problems.push(problem);
    }
  }
  return problems;
}

interface ConnectionString {
  readonly option: string;
  readonly conninfo: string;
  readonly replication: boolean;
}

/** Those that are written, each once: not where one stands for another that is not set. */
function connectionStrings(server: ServerConfig): readonly ConnectionString[] {
  const { conninfo, streamingConninfo, walConninfo, walStreamingConninfo, primaryConninfo, healConninfo, settings } = server;
  const all = [
    { option: 'conninfo', conninfo, replication: false },
    { option: 'streaming_conninfo', conninfo: streamingConninfo, replication: true },
    { option: 'wal_conninfo', conninfo: walConninfo, replication: false },
    { option: 'wal_streaming_conninfo', conninfo: walStreamingConninfo, replication: true },
    { option: 'primary_conninfo', conninfo: primaryConninfo, replication: false },
    ...healConninfo.map((each) => ({ option: 'heal_conninfo', conninfo: each, replication: true })),
  ];
  return all.flatMap(({ conninfo: text, ...rest }) => {
    const isWritten = (settings.get(rest.option)?.origin ?? 'default') !== 'default';
    return text !== undefined && isWritten ? [{ ...rest, conninfo: text }] : [];
  });
}

async function problemOf(
  { name, settings, configFile }: ServerConfig,
  option: string,
  work: Promise<unknown>,
): Promise<ConfigProblem | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!WalvaultError.is(error)) throw error;
    const origin = settings.get(option)?.origin ?? 'default';
    const place = origin === 'default' ? { file: configFile, line: undefined } : { file: origin.file, line: origin.line };
    return { ...place, section: name, option, message: error.message, hint: error.hint };
  }
}
