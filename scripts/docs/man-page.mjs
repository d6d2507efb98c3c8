// The manual page walvault(1), from the definition of the program.
import { examples } from '../../apps/cli/src/program/examples.ts';
import { buildProgram } from '../../apps/cli/src/program.ts';

/** Of the last change of what stands here; the rest of the page changes with the program. */
const date = '2026-11-27';

/** The page in roff, for man(7). */
export function formatManPage() {
  const program = buildProgram(new AbortController().signal, () => undefined);
  const help = program.createHelp();
  const commands = leaves(program, help);
  return [
    '.\\" Written by scripts/docs.mjs from the definition of the program. Do not edit.',
    `.TH WALVAULT 1 ${date} walvault "User Commands"`,
    ...section('Name', [`walvault \\- ${text('receive, archive and give back the write-ahead log of PostgreSQL servers')}`]),
    ...section('Synopsis', ['.B walvault', `${text('[options] command [arguments]')}`]),
    ...section('Description', description),
    ...section('Options', ['Before or behind the command:', ...help.visibleOptions(program).flatMap(option)]),
    ...section(
      'Commands',
      commands.flatMap((command) => commandLines(command, help)),
    ),
    ...section(
      'Exit status',
      exitStatus.flatMap(([code, means]) => item(code, means)),
    ),
    ...section(
      'Environment',
      environment.flatMap(([name, means]) => item(name, means)),
    ),
    ...section(
      'Files',
      files.flatMap(([name, means]) => item(name, means)),
    ),
    ...section('Examples', exampleItems(examples.walvault)),
    ...section('See also', ['.BR pg_receivewal (1),', '.BR pg_waldump (1),', '.BR barman (1)']),
    '',
  ].join('\n');
}

const description = [
  text(
    'walvault receives the write-ahead log (WAL) of PostgreSQL servers over the streaming replication protocol, keeps every byte',
  ),
  text(
    'durable and checked, archives finished segments, and gives them back to a server that recovers. It reads the configuration of',
  ),
  text('Barman, and has its commands for WAL with the same options and output.'),
  '.PP',
  text(
    'Results go to the standard output, messages to the standard error output. `walvault explain CODE` tells what an error means.',
  ),
];

const exitStatus = [
  ['0', 'All is well.'],
  ['1', 'It failed. For get-wal and restore-wal: the file is not there, and the archive ends before it.'],
  ['2', 'The command line makes no sense. For verify-wal and heal-wal: something is bad or missing.'],
  ['3', 'For verify-wal: not all could be told. For get-wal: a bad name, or a directory that cannot be written.'],
  ['255', 'For get-wal and restore-wal: trouble, on which PostgreSQL stops a recovery.'],
];

const environment = [
  ['WALVAULT_CONFIG_FILE', 'Configuration file, where -c is not given.'],
  ['NO_COLOR', 'No colour, unless --color=always is given.'],
  ['PGPASSFILE, PGSERVICEFILE, PGHOST, PGPORT, PGUSER, PGPASSWORD, PGSSLMODE and others', 'As for the programs of PostgreSQL.'],
];

const files = [
  ['~/.walvault.conf, /etc/walvault.conf', 'Configuration, the first that is there; then the places of Barman.'],
  ['BARMAN_HOME/SERVER/receive-wal.log', 'Log of what runs in the background, unless log_file is set.'],
];

/** Commands that have no example, one line each. */
export function lackingExamples() {
  const program = buildProgram(new AbortController().signal, () => undefined);
  const lacking = leaves(program, program.createHelp())
    .map(nameOf)
    .filter((name) => examples[name] === undefined);
  return lacking.map((name) => `no example of "walvault ${name}" is in apps/cli/src/program/examples.ts: add one`);
}

/** Commands that can be called, without hidden ones, in the order of the help. */
function leaves(command, help) {
  const below = help.visibleCommands(command).filter((each) => each.name() !== 'help');
  return below
    .flatMap((each) => (each.commands.length > 0 ? leaves(each, help) : [each]))
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf(command) {
  return command.parent?.parent == null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function commandLines(command, help) {
  const name = nameOf(command);
  const aliases = command.aliases().length === 0 ? [] : [text(`Also called ${command.aliases().join(', ')}.`)];
  const own = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const usage = command.registeredArguments.map((argument) => term(argument)).join(' ');
  return [
    `.SS ${text(name)} ${own.length > 0 ? '[options] ' : ''}${text(usage)}`.trimEnd(),
    text(`${sentence(command.description())}.`),
    ...aliases,
    ...own.flatMap(option),
    ...(examples[name] === undefined ? [] : ['.PP', 'Examples:', ...exampleItems(examples[name])]),
  ];
}

function term(argument) {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function option({ flags, description: words, argChoices, defaultValue }) {
  const choices = argChoices === undefined ? '' : ` (${argChoices.join(', ')})`;
  const standard = defaultValue === undefined || typeof defaultValue === 'boolean' ? '' : `; ${defaultValue} unless given`;
  return item(flags, `${words}${choices}${standard}`);
}

function item(tag, words) {
  return ['.TP', `.B ${text(tag)}`, text(words)];
}

function exampleItems(list) {
  return list.flatMap(([line, does]) => ['.TP', text(`${sentence(does)}${does.endsWith('?') ? '' : ':'}`), `.B ${text(line)}`]);
}

function section(title, lines) {
  return [`.SH ${title.toUpperCase()}`, ...lines];
}

function sentence(words) {
  return words[0].toUpperCase() + words.slice(1);
}

/** Text that roff takes as it stands; what is between backticks is bold. */
function text(words) {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/`([^`]*)`/g, '\\fB$1\\fR')
    .replaceAll('~', '\\(ti')
    .replace(/^([.'])/, '\\&$1');
}
