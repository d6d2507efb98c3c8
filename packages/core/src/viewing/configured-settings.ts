/** The options of a configuration as they count, each with the place where it was written. No value holds a password. */
import { type Configuration, type Setting, type ServerConfig, type ShownValue, shownValue } from '@walvault/config';

/** An option as it counts. */
export interface ShownSetting {
  /** As it is written, references replaced; undefined when it is not set. */
  readonly text: string | undefined;
  readonly value: ShownValue;
  /** `FILE:LINE`, or `default`. */
  readonly source: string;
}

/** Options by name, by section: `barman` for the global ones, then the servers. */
export type ShownSettings = Readonly<Record<string, Readonly<Record<string, ShownSetting>>>>;

/**
 * The options of the installation and of some servers.
 * @param all those that have their default, or none, as well
 */
export function configuredSettings({ globals }: Configuration, servers: readonly ServerConfig[], all: boolean): ShownSettings {
  const sections = [['barman', globals.settings] as const, ...servers.map(({ name, settings }) => [name, settings] as const)];
  return Object.fromEntries(sections.map(([name, settings]) => [name, shownSettings(settings, all)]));
}

/** The same of one section. */
export function shownSettings(settings: ReadonlyMap<string, Setting>, all: boolean): Readonly<Record<string, ShownSetting>> {
  const wanted = [...settings].filter(([, { origin }]) => all || origin !== 'default');
  return Object.fromEntries(
    wanted.map(([name, { text, origin }]) => [
      name,
      { text, value: shownValue(name, text), source: origin === 'default' ? origin : `${origin.file}:${origin.line}` },
    ]),
  );
}
