/** The configuration: what is odd in it for this server. What is wrong in it ends the examination before it begins. Pure. */
import { type ConfigProblem, formatProblem } from '@walvault/config';
import type { DoctorFacts } from './doctor-facts.ts';
import { type Finding, Step } from './finding.ts';

/** Warnings of the configuration, and a server that is left alone. */
export function judgeConfiguration({ server, warnings }: DoctorFacts): readonly Finding[] {
  const step = new Step('configuration');
  const findings = warnings.map((problem) => step.warning(formatProblem(problem), undefined, remedyOf(problem)));
  if (!server.active) {
    const remedy = { words: 'Turn it on when it is to be received.', configuration: ['active = on'] };
    return [...findings, step.warning('active is off', 'cron and run leave this server alone.', remedy)];
  }
  return findings.length > 0 ? findings : [step.ok(server.configFile)];
}

/** The findings for a configuration that cannot be used: nothing else can be looked at. */
export function judgeBrokenConfiguration(problems: readonly ConfigProblem[]): readonly Finding[] {
  const step = new Step('configuration');
  const findings = problems.map((problem) => step.problem(formatProblem(problem), undefined, remedyOf(problem)));
  return [...findings, new Step('connection').skipped('the configuration cannot be used')];
}

function remedyOf({ hint }: ConfigProblem): { words: string } | undefined {
  return hint === undefined ? undefined : { words: hint };
}
