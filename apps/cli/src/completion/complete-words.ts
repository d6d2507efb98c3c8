/**
 * What may come next on a command line, found in the definition of the program, so that it can never be out of date. The shells ask for it
 * at each Tab, by the scripts of shell-scripts.ts.
 */
import type { Command, Option } from 'commander';

/** A word that may be meant, and what it stands for. */
export interface Candidate {
  readonly word: string;
  readonly description: string;
}

/** What the shell has to look up by itself. */
export type Lookup = 'files' | 'directories';

/** Names that are not part of the program. */
export interface KnownNames {
  /** Of the servers, by the configuration file that the command line names, if it does. */
  readonly servers: (configFile: string | undefined) => Promise<readonly Candidate[]>;
  /** Of the errors. */
  readonly errorCodes: () => readonly string[];
  /** What can be done for a server by a process of its own. */
  readonly tasks: () => Promise<readonly string[]>;
}

/** Where a command line is, before the word that is being typed. */
interface Place {
  readonly command: Command;
  /** How many arguments the command has already. */
  readonly given: number;
  /** The option whose value comes next. */
  readonly awaits: Option | undefined;
  readonly configFile: string | undefined;
  readonly isBehindDashes: boolean;
}

/**
 * Completes the last of some words.
 * @param words what is typed behind the name of the program; the last one, which may be empty, is being typed
 */
export async function completeWords(
  program: Command,
  words: readonly string[],
  names: KnownNames,
): Promise<readonly Candidate[] | Lookup> {
  const [typed, before] = joinAssigned(words);
  const place = findPlace(program, before);
  const assigned = /^(?<option>--[\w-]+)=(?<value>.*)$/.exec(typed)?.groups;
  if (assigned !== undefined && place.awaits === undefined) {
    const option = optionNamed(place.command, assigned['option'] ?? '');
    const values = option === undefined ? [] : valuesOf(option);
    if (!Array.isArray(values)) return values;
    return starting(values, assigned['value'] ?? '').map(({ word, description }) => ({
      word: `${assigned['option']}=${word}`,
      description,
    }));
  }
  const all = await candidatesAt(place, typed, names);
  return Array.isArray(all) ? starting(all, typed) : all;
}

/** bash cuts words at `=`; here an option is followed by its value, as if there were a space. The last word, and those before it. */
function joinAssigned(words: readonly string[]): readonly [typed: string, before: readonly string[]] {
  const plain = words.flatMap((word, index) => (word === '=' ? (index === words.length - 1 ? [''] : []) : [word]));
  return [plain.at(-1) ?? '', plain.slice(0, -1)];
}

function findPlace(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, given: 0, awaits: undefined, configFile: undefined, isBehindDashes: false };
  for (const word of words) place = placeBehind(place, word);
  return place;
}

function placeBehind(place: Place, word: string): Place {
  if (place.awaits !== undefined) {
    const isConfig = place.awaits.attributeName() === 'config';
    return { ...place, awaits: undefined, configFile: isConfig ? word : place.configFile };
  }
  if (word === '--') return { ...place, isBehindDashes: true };
  if (word.startsWith('-') && !place.isBehindDashes) {
    const option = optionNamed(place.command, word);
    if (option?.required === true) return { ...place, awaits: option };
    return word.startsWith('--config=') ? { ...place, configFile: word.slice('--config='.length) } : place;
  }
  const below = place.command.commands.find((command) => command.name() === word || command.aliases().includes(word));
  return below === undefined ? { ...place, given: place.given + 1 } : { ...place, command: below, given: 0 };
}

/** An option of a command, or of one above it, by its long or short name. */
function optionNamed(command: Command, name: string): Option | undefined {
  const own = command.options.find((option) => option.long === name || option.short === name);
  return own ?? (command.parent === null ? undefined : optionNamed(command.parent, name));
}

async function candidatesAt(place: Place, typed: string, names: KnownNames): Promise<Candidate[] | Lookup> {
  const { command, awaits } = place;
  if (awaits !== undefined) return valuesOf(awaits);
  if (typed.startsWith('-') && !place.isBehindDashes) return optionsOf(command);
  if (command.commands.length > 0) return commandsOf(command);
  const argument = command.registeredArguments[place.given] ?? command.registeredArguments.findLast(({ variadic }) => variadic);
  if (argument === undefined) return [];
  if (argument.argChoices !== undefined) return argument.argChoices.map((word) => ({ word, description: argument.description }));
  switch (argument.name()) {
    case 'server':
      return [...(await names.servers(place.configFile))];
    case 'servers':
      return [...(await names.servers(place.configFile)), { word: 'all', description: 'every server' }];
    case 'code':
      return plain(names.errorCodes());
    case 'task':
      return plain(await names.tasks());
    case 'destination':
      return 'files';
    default:
      return [];
  }
}

function plain(words: readonly string[]): Candidate[] {
  return words.map((word) => ({ word, description: '' }));
}

function valuesOf(option: Option): Candidate[] | Lookup {
  if (option.argChoices !== undefined) return option.argChoices.map((word) => ({ word, description: option.description }));
  const value = /<(?<name>[\w-]+)>/.exec(option.flags)?.groups?.['name'] ?? '';
  return value === 'file' ? 'files' : value === 'directory' ? 'directories' : [];
}

function optionsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, short, description }) => ({ word: long ?? short ?? '', description }));
}

function commandsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((below) => ({ word: below.name(), description: below.description() }));
}

function starting(candidates: readonly Candidate[], typed: string): Candidate[] {
  return candidates.filter(({ word }) => word.startsWith(typed));
}
