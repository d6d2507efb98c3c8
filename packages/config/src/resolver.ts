/**
 * From what is written to what holds: for one section, the value of each option by inheritance ([server], then
 * [barman] for the options that servers inherit, then the default), interpolated, unquoted and parsed.
 *
 * Each option is resolved when it is first asked for, so that values may refer to each other in any order.
 */
import type { OptionSpec, OptionTable } from './global-options.ts';
import { interpolate, type Interpolated } from './interpolate.ts';
import { allOptions } from './option-names.ts';
import type { Problems } from './problems.ts';
import { redactPasswords } from './redact.ts';
import { defaultSection, globalSection, type SourceSection, type SourceValue } from './sources.ts';

/** Where a value was written, or `default`. */
export type SettingOrigin = 'default' | { readonly file: string; readonly line: number };

/** An option as text, for people. */
export interface Setting {
  /** What holds after inheritance, interpolation and unquoting, without passwords; undefined when it is not set. */
  readonly text: string | undefined;
  readonly origin: SettingOrigin;
}

/** Text of an option and where it was written (undefined: default); no text when unset; broken when a problem was reported. */
interface Resolved {
  readonly text?: string | undefined;
  readonly source?: SourceValue | undefined;
  readonly broken?: true;
}

/** What a {@link Resolver} works on. */
export interface ResolverOptions {
  /** Name of the section whose options are asked for. */
  readonly section: string;
  readonly sections: ReadonlyMap<string, SourceSection>;
  readonly problems: Problems;
  /** For the section of a server: the resolver of [barman], which its values may refer to. */
  readonly globals?: Resolver | undefined;
}

/** Resolves the options of one section and reports what is wrong with them. */
export class Resolver {
  readonly #section: string;
  readonly #sections: ReadonlyMap<string, SourceSection>;
  readonly #problems: Problems;
  readonly #globals: Resolver | undefined;
  readonly #resolved = new Map<string, Resolved>();
  readonly #underWay = new Set<string>();

  constructor(options: ResolverOptions) {
    this.#section = options.section;
    this.#sections = options.sections;
    this.#problems = options.problems;
    this.#globals = options.globals;
  }

  /** The values of a whole table. What is not set or has a problem (see {@link isBroken}) is left out. */
  values<Values>(table: OptionTable<Values>): Partial<Values> {
    const entries = Object.entries<OptionSpec<unknown>>(table);
    return Object.fromEntries(entries.map(([name, spec]) => [name, this.#parsed(name, spec)])) as Partial<Values>;
  }

  /** Whether a problem was reported for this option, so that it has no value although it may be set. */
  isBroken(name: string): boolean {
    return this.#resolve(name).broken === true;
  }

  /** Where an option was written, or undefined when it is not set or has its default. */
  sourceOf(name: string): SourceValue | undefined {
    return this.#resolve(name).source;
  }

  /** An option as text for people. */
  setting(name: string): Setting {
    const { text, source } = this.#resolve(name);
    return {
      text: text === undefined ? undefined : redactPasswords(text),
      origin: source === undefined ? 'default' : { file: source.file, line: source.line },
    };
  }

  #parsed(name: string, spec: OptionSpec<unknown>): unknown {
    const { text, source, broken } = this.#resolve(name);
    if (text === undefined || broken) return undefined;
    const value = spec.type.parse(text);
    if (value !== undefined) return value;
    this.#resolved.set(name, { source, broken: true });
    const shown = spec.type.secret
      ? 'the value'
      : JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : redactPasswords(text));
    this.#report(name, source, `${shown} is not allowed (allowed: ${spec.type.allowed})`);
    return undefined;
  }

  #resolve(name: string): Resolved {
    const known = this.#resolved.get(name);
    if (known !== undefined) return known;
    this.#underWay.add(name);
    const resolved = this.#resolveAnew(name);
    this.#underWay.delete(name);
    this.#resolved.set(name, resolved);
    return resolved;
  }

  #resolveAnew(name: string): Resolved {
    const source = this.#find(name);
    if (source === undefined) return this.#default(name, undefined);
    const { text, problem } = interpolate(source.text, (reference) => this.#refer(reference));
    if (problem === undefined) {
      const plain = unquote(text);
      return plain === '' || plain === 'None' ? this.#default(name, source) : { text: plain, source };
    }
    if (problem !== '') this.#reportReference(name, source, problem);
    return { source, broken: true };
  }

  /** The default of an option that nobody wrote, or that was emptied at `source`. */
  #default(name: string, source: SourceValue | undefined): Resolved {
    const template = allOptions.get(name)?.default;
    if (template === undefined) return { source };
    let unset = false;
    const { text, problem } = interpolate(template, (reference) => {
      const result = this.#refer(reference);
      unset ||= result.problem !== undefined && result.problem !== '';
      return result;
    });
    if (problem === undefined) return { text };
    // A default made of an option that is not set is not set either; of one that is broken, broken.
    return unset ? {} : { broken: true };
  }

  /** Where an option of this section is written: in the section itself, in [DEFAULT], or in [barman] if that is inherited. */
  #find(name: string): SourceValue | undefined {
    const inherited = this.#globals !== undefined && allOptions.get(name)?.scope !== 'server';
    const places = inherited ? [this.#section, defaultSection, globalSection] : [this.#section, defaultSection];
    for (const place of places) {
      const value = this.#sections.get(place)?.options.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #refer(name: string): Interpolated {
    if (this.#globals !== undefined && name === 'name') return { text: this.#section };
    if (this.#globals !== undefined && allOptions.get(name)?.scope === 'global') return this.#globals.#refer(name);
    if (this.#underWay.has(name)) return { problem: `refers to itself through "%(${name})s"` };
    const { text, broken } = this.#resolve(name);
    if (broken) return { problem: '' };
    return text === undefined ? { problem: `refers to "%(${name})s", which is not set` } : { text };
  }

  /** In a connection string what looks like a reference is most likely a password with a percent sign: it is not repeated. */
  #reportReference(name: string, source: SourceValue, problem: string): void {
    const secret = allOptions.get(name)?.type.secret === true;
    const message = secret ? 'holds a "%" that does not refer to an option that is set' : problem;
    this.#report(name, source, message, 'Write %% for a percent sign; %(option)s stands for the value of an option.');
  }

  #report(option: string, source: SourceValue | undefined, message: string, hint?: string): void {
    const section = this.#sections.get(this.#section);
    const { file, line } = source ?? { file: section?.file ?? '', line: section?.line };
    this.#problems.error({ file, line, section: source?.section ?? this.#section, option, message, hint });
  }
}

/** Takes a pair of quotes off that stands round the whole value. */
function unquote(text: string): string {
  return /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;
}
