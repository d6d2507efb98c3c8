/** What every command gets: the configuration, the output, a log, and a signal that says when to stop. */
import {
  type Configuration,
  formatProblem,
  loadConfiguration,
  type ServerConfig,
  serverNamed,
  serversNamed,
} from '@walvault/core';
import type { Logger } from '@walvault/wal';
import { openLog } from './log.ts';
import { Output } from './output.ts';

/** Options that stand before the command. */
export interface GlobalOptions {
  readonly config?: string | undefined;
  readonly quiet?: boolean | undefined;
  readonly debug?: boolean | undefined;
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
    this.output = new Output({ format: options.format, quiet: options.quiet ?? false });
  }

  /** The configuration, read once; its warnings are said the first time. */
  async configuration(): Promise<Configuration> {
    if (this.#configuration !== undefined) return this.#configuration;
    const configuration = await loadConfiguration({ explicit: this.options.config });
    for (const warning of configuration.warnings) this.output.warning(formatProblem(warning));
    this.#configuration = configuration;
    return configuration;
  }

  async server(name: string): Promise<ServerConfig> {
    return serverNamed(await this.configuration(), name);
  }

  async servers(names: readonly string[]): Promise<readonly ServerConfig[]> {
    return serversNamed(await this.configuration(), names);
  }

  /** A log for a command that works in the foreground: on stderr, readable on a terminal, JSON lines elsewhere. */
  log(file?: string): Logger {
    return openLog({ file, level: this.options.debug === true ? 'debug' : 'info' });
  }
}
