/** What every command gets: the configuration, the output, a log, and a signal that says when to stop. */
import {
  ConfigError,
  type Configuration,
  formatProblem,
  loadConfiguration,
  type ServerConfig,
  serverNamed,
  serversNamed,
} from '@walvault/core/configuration';
import type { OpenLog } from './log.ts';
import { type PinoLevel, pinoLevels } from './log-level.ts';
import { type ColourChoice, isColoured } from './colour.ts';
import { Output } from './output.ts';

/** Options that stand before the command. */
export interface GlobalOptions {
  readonly config?: string | undefined;
  readonly quiet?: boolean | undefined;
  readonly debug?: boolean | undefined;
  /** Wins over `log_level` of the configuration, and `debug` over this. */
  readonly logLevel?: ServerConfig['logLevel'] | undefined;
  readonly colour?: ColourChoice | undefined;
  readonly format: 'console' | 'json';
}

/** The surroundings of one command. */
export class CommandContext {
  readonly output: Output;
  readonly options: GlobalOptions;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
  #configuration: Configuration | undefined;

  constructor(options: GlobalOptions, stop: AbortSignal) {
    this.options = options;
    this.stop = stop;
    const { format, quiet = false, colour, debug } = options;
    this.output = new Output({ format, quiet, colour, debug });
  }

  /** The configuration, read once; its warnings are said the first time. */
  async configuration(): Promise<Configuration> {
    if (this.#configuration !== undefined) return this.#configuration;
    const configuration = await loadConfiguration({ explicit: this.options.config }).catch((error: unknown) => {
      if (error instanceof ConfigError) this.#warn(error.warnings);
      throw error;
    });
    this.#warn(configuration.warnings);
    this.#configuration = configuration;
    return configuration;
  }

  async server(name: string): Promise<ServerConfig> {
    return serverNamed(await this.configuration(), name);
  }

  async servers(names: readonly string[]): Promise<readonly ServerConfig[]> {
    return serversNamed(await this.configuration(), names);
  }

  /**
   * The log of a server's command that works in the foreground: in a file, or on stderr, there readable on a terminal and JSON lines
   * elsewhere. `--debug` wins over `--log-level`, and that over `log_level`.
   */
  async log(server: Pick<ServerConfig, 'logLevel'>, file: string | undefined): Promise<OpenLog> {
    const { openLog } = await import('./log.ts');
    return openLog({
      file,
      level: this.logLevel(server),
      isColoured: isColoured(this.options.colour ?? 'auto', process.stderr),
      beforeLine: () => this.output.clear(),
    });
  }

  /** The level of that log. */
  logLevel(server: Pick<ServerConfig, 'logLevel'>): PinoLevel {
    const { debug, logLevel = server.logLevel } = this.options;
    return debug === true ? 'debug' : pinoLevels[logLevel];
  }

  /** Reads the configuration again, from the same file as before. @throws {ConfigError}; nothing is said, the caller does. */
  async reread(): Promise<Configuration> {
    const { file } = await this.configuration();
    return loadConfiguration({ explicit: file });
  }

  #warn(warnings: Configuration['warnings']): void {
    for (const warning of warnings) this.output.warning(formatProblem(warning));
  }
}
