/** A real Prometheus that scrapes and evaluates the shipped rules, for one test. */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, freePort, type RunningProgram, startAsServerUser, temporaryDirectory } from '@walvault/testkit';
import { alertsDirectory } from './shipped-rules.test-support.ts';

/** A time series of an answer. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly metric: Sample['metric']; readonly value: readonly [number, string] }[] };
}

/** See above. It scrapes twice a second, and evaluates as often. */
export class Prometheus implements AsyncDisposable {
  readonly #program: RunningProgram;
  readonly #stack: AsyncDisposableStack;
  readonly #address: string;

  private constructor(program: RunningProgram, stack: AsyncDisposableStack, address: string) {
    this.#program = program;
    this.#stack = stack;
    this.#address = address;
  }

  /** Starts it. @param target host and port that it scrapes @param scrape more of its scrape_config */
  static async start(target: string, scrape: object = {}): Promise<Prometheus> {
    await using stack = new AsyncDisposableStack();
    const directory = stack.use(await temporaryDirectory('prometheus'));
    const configuration = {
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      scrape_configs: [{ job_name: 'walvault', static_configs: [{ targets: [target] }], ...scrape }],
      rule_files: ['rules.yml'],
    };
    await copyFile(join(alertsDirectory, 'rules.yml'), join(directory.path, 'rules.yml'));
    const file = join(directory.path, 'prometheus.yml');
    await writeFile(file, JSON.stringify(configuration));
    const address = `127.0.0.1:${await freePort()}`;
    const { argv, env } = findProgram('prometheus');
    const options = [`--config.file=${file}`, `--storage.tsdb.path=${join(directory.path, 'data')}`];
    const program = stack.use(await startAsServerUser([...argv, ...options, `--web.listen-address=${address}`], { env }));
    await program.waitForOutput(/Server is ready to receive web requests/);
    return new Prometheus(program, stack.move(), address);
  }

  /** What an expression is now. @throws {Error} when it is broken */
  async query(expression: string): Promise<readonly Sample[]> {
    const response = await fetch(`http://${this.#address}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { status, error, data } = (await response.json()) as Answer;
    if (status !== 'success') throw new Error(`${expression}: ${error}`);
    return data.result.map(({ metric, value: [, text] }) => ({ metric, value: Number(text) }));
  }

  /** Names of the alerts that fire, or would when their time is over. */
  async alerts(): Promise<readonly string[]> {
    const found = await this.query('ALERTS');
    return [...new Set(found.map(({ metric }) => metric['alertname'] ?? ''))].toSorted((a, b) => a.localeCompare(b));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.kill('SIGKILL');
    await this.#stack.disposeAsync();
  }
}
