/** `doctor`: what is wrong on the way from the server to the archive, why, and the exact command or SQL that helps. */
import { type Finding, type FindingStatus, examineServer, judgeBrokenConfiguration, type Remedy } from '@walvault/core/doctor';
import { ConfigError } from '@walvault/core/configuration';
import type { Mood } from '../colour.ts';
import type { CommandContext } from '../context.ts';
import { exitCode } from '../exit-code.ts';
import type { Output } from '../output.ts';

/** How long a name, a connection or an answer may take. */
const patienceMs = 5000;

const words: Readonly<Record<FindingStatus, readonly [word: string, mood: Mood]>> = {
  ok: ['OK', 'good'],
  warning: ['WARNING', 'careful'],
  problem: ['PROBLEM', 'bad'],
  skipped: ['SKIPPED', 'careful'],
};

/** Runs the command; exit code 1 when there is a problem. */
export async function doctorCommand(context: CommandContext, serverNames: readonly string[]): Promise<number> {
  try {
    const { warnings } = await context.configuration();
    const servers = await context.servers(serverNames);
    const options = { signal: context.stop, patienceMs, warnings };
    const examined = await Promise.all(
      servers.map(async (server) => ({ name: server.name, findings: await examineServer(server, options) })),
    );
    for (const { name, findings } of examined) tell(context.output, name, withConfigFile(findings, context.options.config));
    return examined.some(({ findings }) => countOf(findings, 'problem') > 0) ? exitCode.error : exitCode.ok;
  } catch (error) {
    if (!(error instanceof ConfigError) || error.problems.length === 0) throw error;
    for (const name of serverNames) tell(context.output, name, judgeBrokenConfiguration(error.problems));
    return exitCode.error;
  }
}

/** Whoever named a configuration file must do so again in the commands that help. */
function withConfigFile(findings: readonly Finding[], file: string | undefined): readonly Finding[] {
  if (file === undefined) return findings;
  const program = `walvault -c ${/^[\w@%+=:,./-]+$/.test(file) ? file : `'${file.replaceAll("'", String.raw`'\''`)}'`} `;
  return findings.map((finding) => {
    const commands = finding.remedy?.commands?.map((command) => command.replace(/^walvault /, () => program));
    return finding.remedy === undefined ? finding : { ...finding, remedy: { ...finding.remedy, commands } };
  });
}

function tell(output: Output, name: string, findings: readonly Finding[]): void {
  const [problems, warnings] = [countOf(findings, 'problem'), countOf(findings, 'warning')];
  output.result(name, { status: statusOf(problems, warnings), problems, warnings, findings: findings.map(toJson) });
  if (output.isJson) return;
  output.info(`Server ${name}:`);
  for (const finding of findings) tellFinding(output, finding);
  output.info(`\t${count(problems, 'problem')}, ${count(warnings, 'warning')}`);
}

function tellFinding(output: Output, { step, about, status, what, why, remedy }: Finding): void {
  output.info(`\t${step}${about === undefined ? '' : ` (${about})`}: ${output.word(...words[status])} ${what}`);
  if (why !== undefined) output.info(`\t\twhy: ${why}`);
  if (remedy === undefined) return;
  if (remedy.words !== '') output.info(`\t\tdo: ${remedy.words}`);
  for (const [kind, lines] of linesOf(remedy)) for (const line of lines) output.info(`\t\t${kind}: ${line}`);
}

function linesOf({ hba, sql, configuration, commands }: Remedy): readonly (readonly [kind: string, lines: readonly string[]])[] {
  return [
    ['pg_hba.conf', hba ?? []],
    ['SQL', sql ?? []],
    ['configuration', configuration ?? []],
    ['run', commands ?? []],
  ];
}

function toJson({ remedy, why, about, ...finding }: Finding) {
  const { sql, hba, commands, configuration } = remedy ?? {};
  return {
    ...finding,
    about: about ?? null,
    why: why ?? null,
    remedy:
      remedy === undefined
        ? null
        : {
            words: remedy.words,
            sql: sql ?? [],
            pg_hba: hba ?? [],
            commands: commands ?? [],
            configuration: configuration ?? [],
          },
  };
}

function countOf(findings: readonly Finding[], status: FindingStatus): number {
  return findings.filter((finding) => finding.status === status).length;
}

function statusOf(problems: number, warnings: number): FindingStatus {
  if (problems > 0) return 'problem';
  return warnings > 0 ? 'warning' : 'ok';
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
