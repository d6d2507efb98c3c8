/** The real command line of walvault, run as the user that the server runs as, with the configuration file of the demo. */
import { readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type ProgramResult, runAsServerUser } from '@walvault/testkit';
import type { Narrator } from './narrator.ts';

/** walvault ended with another exit code than 0. The message holds all that it said. */
export class WalvaultFailedError extends Error {
  constructor(args: readonly string[], result: ProgramResult) {
    const said = `${result.stdout}${result.stderr}`.trim();
    super(`walvault ${args.join(' ')} ended with ${result.code ?? result.signal}${said === '' ? '' : `:\n${said}`}`);
    this.name = 'WalvaultFailedError';
  }
}

/** walvault with one configuration file. */
export class Walvault {
  readonly configFile: string;

  constructor(configFile: string) {
    this.configFile = configFile;
  }

  /** Program and first arguments, for whoever wants to run it elsewhere. */
  get argv(): readonly string[] {
    return [process.execPath, executable(), '-c', this.configFile];
  }

  /**
   * Runs a command.
   * @throws {WalvaultFailedError} when its exit code is not 0
   */
  async run(...args: readonly string[]): Promise<ProgramResult> {
    const result = await runAsServerUser([...this.argv, ...args]);
    if (result.code !== 0) throw new WalvaultFailedError(args, result);
    return result;
  }

  /** Writes a script that is this walvault, with its configuration, for whoever looks around after `--keep`. */
  async writeProgram(path: string): Promise<void> {
    await writeScript(path, `exec ${this.argv.map(shellWord).join(' ')} "$@"\n`);
  }

  /** Runs a command and shows it with what it said. */
  async tell(narrator: Narrator, ...args: readonly string[]): Promise<void> {
    const { stdout, stderr } = await this.run(...args);
    narrator.command(`walvault ${args.join(' ')}`, stdout + stderr);
  }
}

/** Writes an executable shell script. */
export async function writeScript(path: string, text: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${text}`);
  await chmod(path, 0o755);
}

/** The file that npm would link as `walvault`. */
function executable(): string {
  const manifest = fileURLToPath(import.meta.resolve('walvault/package.json'));
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { walvault: string } };
  return fileURLToPath(new URL(bin.walvault, import.meta.resolve('walvault/package.json')));
}

/** An argument as a shell reads it. */
export function shellWord(text: string): string {
  return /^[\w/.:=@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
