/** All options together: which there are, and where each may stand. */
import { backupOptions } from './backup-options.ts';
import { globalOptions, type OptionSpec } from './global-options.ts';
import { nearestName } from './nearest-name.ts';
import { serverOptions } from './server-options.ts';

/** Every option by its name, whatever its scope. */
export const allOptions: ReadonlyMap<string, OptionSpec<unknown>> = new Map<string, OptionSpec<unknown>>([
  ...Object.entries(globalOptions),
  ...Object.entries(serverOptions),
  ...backupOptions,
]);

/** Names that mean something although they are no option with a value: Barman's own mark, and what makes a section a model. */
const otherServerNames = new Set(['disabled', 'model']);

/**
 * Why an option has no effect in a section, or undefined when it has one.
 * @param kind of the section: `[barman]`, or that of a server or model.
 */
export function whyWithoutEffect(name: string, kind: 'global' | 'server'): string | undefined {
  const scope = allOptions.get(name)?.scope;
  if (scope === 'both' || scope === kind) return undefined;
  if (scope === 'global') return 'has no effect in the section of a server; it belongs into [barman]';
  if (scope === 'server') return 'has no effect in [barman], since servers do not inherit it; set it for each server';
  if (kind === 'server' && otherServerNames.has(name)) return undefined;
  const fitting = [...allOptions].filter(([, spec]) => spec.scope === 'both' || spec.scope === kind).map(([known]) => known);
  const nearest = nearestName(name, fitting);
  return nearest === undefined ? 'is no option that is known' : `is no option that is known; did you mean "${nearest}"?`;
}
