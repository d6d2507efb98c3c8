/**
 * Configuration models (Barman 3.10): sections with `model = true` whose options a server takes over when the model
 * is switched on for it. They are read and not applied; a server that has one switched on is told about.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { booleanType } from './option-types.ts';
import type { Problems } from './problems.ts';
import type { SourceSection } from './sources.ts';

/** Whether a section is a model, not a server. A model needs `cluster`. */
export function isModel(section: SourceSection, problems: Problems): boolean {
  const mark = section.options.get('model');
  if (mark === undefined) return false;
  const { file, line } = mark;
  const isOne = booleanType.parse(mark.text);
  if (isOne === undefined) {
    const message = `${JSON.stringify(mark.text)} is not allowed (allowed: ${booleanType.allowed})`;
    problems.error({ file, line, section: section.name, option: 'model', message });
  } else if (isOne && !section.options.has('cluster')) {
    problems.error({ file, line, section: section.name, option: 'cluster', message: 'is required in a model' });
  }
  return isOne ?? true;
}

/** Warns when a model is switched on for a server: Barman keeps its name in a file in the server's directory. */
export async function warnOfActiveModel(section: SourceSection, backupDirectory: string, problems: Problems): Promise<void> {
  const path = join(backupDirectory, '.active-model.auto');
  const name = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (name === '') return;
  problems.warning({
    file: section.file,
    line: section.line,
    section: section.name,
    message: `model "${name}" is switched on for this server (${path}), but models are not applied`,
    hint: 'Write the options of the model into the section of the server, or switch it off with barman config-switch --reset.',
  });
}
