/**
 * Loads the configuration: finds the main file, reads it, the files of `configuration_files_directory` and Barman's
 * `.barman.auto.conf`, and makes one frozen value of them, or one error that names everything that is wrong.
 */
import { backupOptions } from './backup-options.ts';
import { checkPaths } from './check-paths.ts';
import { checkServer } from './check-server.ts';
import type { ConfigProblem } from './errors.ts';
import { type FindOptions, findConfigurationFile } from './find-configuration-file.ts';
import { deepFreeze, frozenMap } from './frozen.ts';
import { globalOptions, type GlobalValues, type LogLevel } from './global-options.ts';
import { isModel, warnOfActiveModel } from './models.ts';
import { whyWithoutEffect } from './option-names.ts';
import { Problems } from './problems.ts';
import { Resolver, type Setting } from './resolver.ts';
import { buildServerConfig, type ServerConfig } from './server-config.ts';
import { serverOptions, type ServerValues } from './server-options.ts';
import { defaultSection, globalSection, type SourceSection, Sources } from './sources.ts';

/** The options of [barman] that concern the whole installation. */
export interface GlobalConfig {
  /** Main directory. */
  readonly barmanHome: string;
  /** User that the files belong to. */
  readonly barmanUser: string;
  /** Directory of the lock files. */
  readonly lockDirectory: string;
  /** Whether cron removes lock files that nobody uses any more. */
  readonly lockDirectoryCleanup: boolean;
  /** Undefined: the standard error. */
  readonly logFile: string | undefined;
  readonly logLevel: LogLevel;
  readonly configurationFilesDirectory: string | undefined;
  /** Bytes a second that `run` verifies in the background, of all servers together; 0 for none. */
  readonly verifyBudget: number;
  /** Every global option by its name, as text, and where it was written. */
  readonly settings: ReadonlyMap<string, Setting>;
}

/** A configuration. It is frozen all the way down; a change of the files is seen by loading it again. */
export interface Configuration {
  /** Absolute path of the main file. */
  readonly file: string;
  /** All files that were read, in that order, the main one first. What is in a later one wins. */
  readonly files: readonly string[];
  readonly globals: GlobalConfig;
  /** The servers by name, in the order of their names. */
  readonly servers: ReadonlyMap<string, ServerConfig>;
  /** What is hardly meant so, ordered by file and line; see `formatProblem`. */
  readonly warnings: readonly ConfigProblem[];
}

/** How to load: where to look for the file. */
export type LoadOptions = FindOptions;

interface Server {
  readonly section: SourceSection;
  readonly resolver: Resolver;
  readonly values: Partial<ServerValues>;
}

/**
 * Loads and checks the configuration. Barman's auto.conf wins over included files, and these over the main file.
 * @throws {ConfigError} `ERR_CONFIG_NOT_FOUND` or `ERR_CONFIG_UNREADABLE` when there is no file to read,
 *   `ERR_CONFIG_INVALID` with every problem of the whole configuration.
 */
export async function loadConfiguration(options: LoadOptions = {}): Promise<Configuration> {
  const file = await findConfigurationFile(options);
  const problems = new Problems();
  const sources = new Sources(problems);
  await sources.readMain(file);
  const resolver = new Resolver({ section: globalSection, sections: sources.sections, problems });
  const values = resolver.values(globalOptions);
  checkGlobals(file, sources.sections.get(globalSection), { resolver, problems });
  await readFurtherFiles(sources, resolver, values);
  const servers = resolveServers(sources.sections, resolver, problems);
  await checkServers(servers, problems);
  if (servers.length === 0) problems.warning({ file, message: 'no server is configured' });
  problems.throwIfAny();
  // Nothing was wrong, so that every option that must have a value has one from here on.
  const globals = buildGlobals(values as GlobalValues, settingsOf(resolver, Object.keys(globalOptions)));
  return deepFreeze({
    file,
    files: problems.files,
    globals,
    servers: frozenMap(servers.map((server) => [server.section.name, build(server, file, globals)])),
    warnings: problems.warnings,
  });
}

async function readFurtherFiles(sources: Sources, resolver: Resolver, values: Partial<GlobalValues>): Promise<void> {
  const directory = resolver.sourceOf('configuration_files_directory');
  if (directory !== undefined && values.configuration_files_directory !== undefined) {
    await sources.readDirectory(directory, values.configuration_files_directory);
  }
  if (values.barman_home !== undefined) await sources.readIfThere(`${values.barman_home}/.barman.auto.conf`);
}

function checkGlobals(file: string, section: SourceSection | undefined, tools: { resolver: Resolver; problems: Problems }): void {
  const { resolver, problems } = tools;
  if (resolver.setting('barman_home').text === undefined && !resolver.isBroken('barman_home')) {
    const hint = 'Set barman_home in the [barman] section to the main directory, for example /var/lib/barman.';
    problems.error({ file, line: section?.line, section: globalSection, option: 'barman_home', message: 'is required', hint });
  }
  if (section !== undefined) warnOfOptionsWithoutEffect(section, 'global', problems);
}

/** All sections but [barman], [DEFAULT] and the models, in the order of their names. */
function resolveServers(sections: ReadonlyMap<string, SourceSection>, globals: Resolver, problems: Problems): readonly Server[] {
  const servers: Server[] = [];
  for (const section of [...sections.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (section.name === globalSection || section.name === defaultSection) continue;
    warnOfOptionsWithoutEffect(section, 'server', problems);
    if (isModel(section, problems)) continue;
    const resolver = new Resolver({ section: section.name, sections, problems, globals });
    servers.push({ section, resolver, values: resolver.values(serverOptions) });
  }
  return servers;
}

async function checkServers(servers: readonly Server[], problems: Problems): Promise<void> {
  for (const server of servers) {
    for (const name of backupOptions.keys()) server.resolver.setting(name);
    checkServer({ ...server, problems });
    const directory = server.values.backup_directory;
    if (directory !== undefined) await warnOfActiveModel(server.section, directory, problems);
  }
  await checkPaths(servers, problems);
}

function warnOfOptionsWithoutEffect(section: SourceSection, kind: 'global' | 'server', problems: Problems): void {
  for (const [option, { file, line }] of section.options) {
    const message = whyWithoutEffect(option, kind);
    if (message !== undefined) problems.warning({ file, line, section: section.name, option, message });
  }
}

function build({ section, resolver, values }: Server, configFile: string, globals: GlobalConfig): ServerConfig {
  const { lockDirectory, logFile, logLevel } = globals;
  const names = [...Object.keys(serverOptions), ...backupOptions.keys()];
  const server = buildServerConfig(section.name, values as ServerValues, settingsOf(resolver, names));
  return { ...server, configFile, lockDirectory, logFile, logLevel };
}

function settingsOf(resolver: Resolver, names: readonly string[]): ReadonlyMap<string, Setting> {
  return frozenMap(names.toSorted().map((name) => [name, resolver.setting(name)]));
}

function buildGlobals(values: GlobalValues, settings: ReadonlyMap<string, Setting>): GlobalConfig {
  return {
    barmanHome: values.barman_home,
    barmanUser: values.barman_user,
    lockDirectory: values.barman_lock_directory,
    lockDirectoryCleanup: values.lock_directory_cleanup,
    logFile: values.log_file,
    logLevel: values.log_level,
    configurationFilesDirectory: values.configuration_files_directory,
    verifyBudget: values.verify_budget,
    settings,
  };
}
