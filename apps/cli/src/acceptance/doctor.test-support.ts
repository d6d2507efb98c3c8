/** Reading what `doctor --json` says, and doing exactly what it says. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, runAsServerUser } from '@walvault/testkit';
import type { Vault } from './vault.test-support.ts';

/** A finding as JSON has it. */
export interface JsonFinding {
  readonly step: string;
  readonly about: string | null;
  readonly status: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly what: string;
  readonly why: string | null;
  readonly remedy: {
    readonly words: string;
    readonly sql: readonly string[];
    readonly pg_hba: readonly string[];
    readonly commands: readonly string[];
    readonly configuration: readonly string[];
  } | null;
}

/** What was found of a server. */
export class Examination {
  readonly code: number | null;
  readonly findings: readonly JsonFinding[];

  constructor(code: number | null, findings: readonly JsonFinding[]) {
    this.code = code;
    this.findings = findings;
  }

  /** The steps that have a problem. */
  get problems(): readonly string[] {
    return this.findings.filter(({ status }) => status === 'problem').map(({ step }) => step);
  }

  /** The only finding of a step, or the only one about something. */
  of(step: string, about?: string): JsonFinding {
    const found = this.findings.filter((finding) => finding.step === step && (about === undefined || finding.about === about));
    const [only] = found;
    if (only === undefined || found.length > 1)
      throw new Error(`${found.length} findings of ${step}: ${JSON.stringify(this.findings)}`);
    return only;
  }
}

/** Runs `doctor --json` for a server. */
export async function examine(vault: Vault, server = 'pg'): Promise<Examination> {
  const { code, stdout } = await vault.run('doctor', '--json', server);
  const { [server]: result } = JSON.parse(stdout) as Record<string, { readonly findings: readonly JsonFinding[] }>;
  return new Examination(code, result?.findings ?? []);
}

/** Does all that a finding says: its lines go to the top of pg_hba.conf, its SQL to a superuser, its commands to a shell. */
export async function follow(
  finding: JsonFinding,
  { pg, vault }: { readonly pg: Cluster; readonly vault: Vault },
): Promise<void> {
  if (finding.remedy === null) throw new Error(`nothing to do is said: ${JSON.stringify(finding)}`);
  const { pg_hba: hba, sql, commands } = finding.remedy;
  if (hba.length > 0) {
    const path = (await pg.value('SHOW hba_file'))!;
    await writeFile(path, [...hba, await readFile(path, 'utf8')].join('\n'));
  }
  for (const statement of sql) await pg.query(statement);
  if (commands.length === 0) return;
  const bin = join(vault.home, 'bin');
  await vault.installAs('walvault', bin);
  for (const command of commands) {
    const path = `${bin}:${process.env['PATH']}`;
    const { code, stdout, stderr } = await runAsServerUser(['sh', '-c', command], { env: { PATH: path } });
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${stdout}${stderr}`);
  }
}
