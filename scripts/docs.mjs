// Writes the documents that are made from the source, so that they cannot say anything else than it does.
//
//   node --conditions=@walvault/source scripts/docs.mjs            writes them
//   node --conditions=@walvault/source scripts/docs.mjs --check    fails when a file differs from what would be written
//
// docs/configuration.md comes from the tables of options in packages/config; docs/errors.md and apps/cli/manual/errors.json, which
// `walvault explain` reads, from the doc comments of the error codes; apps/cli/man/walvault.1 from the definition of the program; docs/json-results.md
// and apps/cli/results.schema.json from apps/cli/src/json-results.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatResultsPage, formatSchemaFile } from '../apps/cli/src/json-results/schema-file.ts';
import { formatOptionReference } from '../packages/config/src/index.ts';
import { formatErrorManual, readErrorManual } from './docs/error-manual.mjs';
import { formatManPage, lackingExamples } from './docs/man-page.mjs';

/** What the loader reads and checks, and nothing acts on yet: the reason, and the names of the options. */
const withoutEffect = [
  ['`check` is about WAL alone', 'last_backup_maximum_age', 'last_backup_minimum_size', 'minimum_redundancy'],
  ['no base backup is ever deleted', 'retention_policy', 'retention_policy_mode'],
  ['no base backup is taken', 'primary_checkpoint_timeout'],
  ['there are no passive servers', 'primary_ssh_command'],
  ['nothing is encrypted', 'encryption_key_id', 'encryption_passphrase_command'],
  ['models are not applied', 'cluster'],
  ['the log has its own format', 'log_format'],
  ['walvault runs as whoever calls it', 'barman_user'],
  ['programs that compress are looked for in `PATH` alone', 'path_prefix'],
];

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { problems, ...errorManual } = readErrorManual(root);
for (const problem of [...problems, ...lackingExamples()]) {
  console.error(problem);
  process.exitCode = 1;
}
const files = [
  ['docs/configuration.md', configuration()],
  ['docs/errors.md', formatErrorManual(errorManual)],
  ['apps/cli/manual/errors.json', `${JSON.stringify(errorManual, undefined, 2)}\n`],
  ['apps/cli/man/walvault.1', formatManPage()],
  ['apps/cli/results.schema.json', formatSchemaFile()],
  ['docs/json-results.md', formatResultsPage()],
];
const isCheck = process.argv.includes('--check');
for (const [name, text] of files) {
  const path = join(root, name);
  if (!isCheck) writeFileSync(path, text);
  else if (readOrEmpty(path) !== text) {
    console.error(`${name} is not what the source says. Run: node --conditions=@walvault/source scripts/docs.mjs`);
    process.exitCode = 1;
  }
}

function configuration() {
  const reference = formatOptionReference();
  return [
    '# Configuration\n',
    '<!-- Written by scripts/docs.mjs from packages/config. Do not edit. -->\n',
    'walvault reads the configuration file of Barman: an INI file with the global options in `[barman]` and one section a',
    'server. Where it is looked for, how it is written and what is an error stands in',
    '[packages/config/README.md](../packages/config/README.md); what differs from Barman in',
    '[barman-differences.md](barman-differences.md).\n',
    '## Options without effect\n',
    'This version reads and checks these options, so that a file of Barman is taken as it is, but does nothing by them:\n',
    ...withoutEffect.map(([reason, ...names]) => `- ${reason}: ${names.map((name) => known(name, reference)).join(', ')}`),
    '',
    'With `encryption = gpg`, `archive-wal` refuses to work and the segments wait where they are. What `compression` and',
    '`compression_level` do stands in [compression.md](compression.md).\n',
    reference,
  ].join('\n');
}

/** A name that the reference does not have is a mistake in the list above. */
function known(name, reference) {
  if (!reference.includes(`| \`${name}\` |`)) throw new Error(`there is no option ${name}`);
  return `\`${name}\``;
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}
