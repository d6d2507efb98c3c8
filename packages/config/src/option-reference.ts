/** The reference page of all options, made from the tables that the loader works with. */
import { backupOptions } from './backup-options.ts';
import { globalOptions, type OptionSpec } from './global-options.ts';
import { serverOptions } from './server-options.ts';

type Row = readonly [name: string, spec: OptionSpec<unknown>];

const scopeNames = { global: '[barman]', server: 'server', both: 'server, [barman]' } as const;

/** The options as a Markdown page without a title: global ones, those of servers, ours, and those that are left to Barman. */
export function formatOptionReference(): string {
  const server = Object.entries<OptionSpec<unknown>>(serverOptions);
  return [
    '## Options of the `[barman]` section\n',
    table(Object.entries<OptionSpec<unknown>>(globalOptions)),
    '## Options of a server\n\nWhere the scope names `[barman]` too, a server inherits the value from there.\n',
    table(server.filter(([, spec]) => spec.own === undefined)),
    '## Options that Barman does not have\n',
    table(server.filter(([, spec]) => spec.own)),
    "## Options about base backups\n\nThey are Barman's: accepted, shown, and otherwise left alone.\n",
    table([...backupOptions]),
  ].join('\n');
}

function table(rows: readonly Row[]): string {
  const lines = rows.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(formatRow);
  return ['| option | scope | values | default | meaning |', '|---|---|---|---|---|', ...lines, ''].join('\n');
}

function formatRow([name, { type, scope, default: defaultText, doc }]: Row): string {
  const values = type.allowed === 'any text' ? type.name : type.allowed;
  const fallback = defaultText === undefined ? '' : `\`${defaultText}\``;
  return `| \`${name}\` | ${scopeNames[scope]} | ${values.replaceAll('|', '\\|')} | ${fallback} | ${doc} |`;
}
