// The manual of errors, from the source: the doc comment of each error code is its entry.
//
//   /**
//    * What it means, in a sentence or two.
//    *
//    * @why Why it comes.
//    * @do What to do, with the exact command between backticks.
//    * @retry retry | fatal | either, and behind `either` when it is worth another try
//    */
//   | 'ERR_X'
//
// Codes stand in union types whose name ends in ErrorCode. The SQLSTATEs of a server come from the table of hints in packages/protocol.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'oxc-parser';
import { retryAdviceOf } from '../../packages/protocol/src/server-error.ts';

const serverErrors = 'packages/protocol/src/server-error.ts';
const shortest = 20;

/** The entries by code, sorted, and what is wrong with them, one line each. @param root directory of the workspace */
export function readErrorManual(root) {
  const problems = [];
  const entries = new Map();
  const files = globSync('{packages/*,apps/web-status}/src/**/*.ts', { cwd: root }).filter(
    (path) => !/\.(test|test-support)\.ts$/.test(path),
  );
  for (const path of files.toSorted()) {
    const source = readFileSync(join(root, path), 'utf8');
    if (!source.includes("'ERR_")) continue;
    const file = parse(path, source);
    for (const { code, comment } of codesOf(file)) {
      if (entries.has(code)) problems.push(`${path}: ${code} has an entry elsewhere already`);
      const entry = readEntry(comment ?? '');
      problems.push(...defectsOf(entry).map((defect) => `${path}: ${code} ${defect}`));
      entries.set(code, entry);
    }
  }
  for (const path of files) problems.push(...contradictions(path, readFileSync(join(root, path), 'utf8'), entries));
  const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { codes: Object.fromEntries(sorted), sqlStates: sqlStates(root), problems };
}

function parse(path, source) {
  const { program, comments, errors } = parseSync(path, source);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
  return { source, program, comments };
}

/** The comment that ends right before a position, apart from white space and `|`. */
function commentBefore({ source, comments }, start) {
  return comments.findLast(({ end }) => end <= start && /^[\s|]*$/.test(source.slice(end, start)))?.value;
}

function codesOf(file) {
  const types = declarations(file, 'TSTypeAliasDeclaration').filter(({ id }) => id.name.endsWith('ErrorCode'));
  return types.flatMap(({ typeAnnotation }) => {
    const members = typeAnnotation.type === 'TSUnionType' ? typeAnnotation.types : [typeAnnotation];
    const literals = members.filter(({ type, literal }) => type === 'TSLiteralType' && String(literal.value).startsWith('ERR_'));
    return literals.map((member) => ({ code: member.literal.value, comment: commentBefore(file, member.start) }));
  });
}

function declarations({ program }, type) {
  return program.body.map((node) => node.declaration ?? node).filter((node) => node.type === type);
}

/** A comment as text by paragraph and tag. */
function readEntry(comment) {
  const text = comment.replaceAll(/^\s*\*+ ?/gm, '').trim();
  const [means, ...tags] = text.split(/^@(?=why|do|retry)/m).map((part) => part.replaceAll(/\s+/g, ' ').trim());
  const tag = (name) => tags.find((part) => part.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  const [retry, ...when] = tag('retry').split(' ');
  return { means, why: tag('why'), do: tag('do'), retry, ...(when.length > 0 ? { when: when.join(' ') } : {}) };
}

function defectsOf(entry) {
  const short = {
    means: 'its first paragraph must say what it means',
    why: '@why must say why it comes',
    do: '@do must say what to do',
  };
  const defects = Object.entries(short).filter(([name]) => entry[name].length < shortest);
  const isRetryGood = entry.retry === 'either' ? entry.when !== undefined : ['retry', 'fatal'].includes(entry.retry);
  return [
    ...defects.map(([, words]) => `lacks a useful entry: ${words}`),
    ...(isRetryGood ? [] : ['lacks a useful entry: @retry must be retry, fatal, or either with the words that say when']),
  ];
}

/** Classes that say by themselves which code they have and whether it is worth another try must say the same as the entry. */
function contradictions(path, source, entries) {
  if (!/readonly code\b.* = 'ERR_/.test(source)) return [];
  const classes = declarations(parse(path, source), 'ClassDeclaration');
  return classes.flatMap((declared) => {
    const code = valueOf(declared, 'code');
    const retry = [declared, ...ancestors(declared, classes)]
      .map((each) => valueOf(each, 'retry'))
      .find((value) => value !== undefined);
    if (code === undefined) return [];
    const entry = entries.get(code);
    if (entry === undefined) return [`${path}: ${code} is in no type of codes (... ErrorCode), so it has no entry`];
    const isSame = retry === undefined || entry.retry === retry;
    return isSame ? [] : [`${path}: ${code} is ${retry} in ${declared.id.name}, and its entry says @retry ${entry.retry}`];
  });
}

function ancestors(declared, classes) {
  const parent = classes.find(({ id }) => id.name === declared.superClass?.name);
  return parent === undefined ? [] : [parent, ...ancestors(parent, classes)];
}

function valueOf({ body }, name) {
  return body.body.find((member) => member.type === 'PropertyDefinition' && member.key.name === name)?.value?.value;
}

/** What the hints for SQLSTATEs say, by state. */
function sqlStates(root) {
  const file = parse(serverErrors, readFileSync(join(root, serverErrors), 'utf8'));
  const constants = declarations(file, 'VariableDeclaration').flatMap((node) => node.declarations);
  const { properties } = constants.find(({ id }) => id.name === 'hints').init;
  const entries = properties.map((property) => {
    const [condition, ...means] = (commentBefore(file, property.start) ?? '').replace(/^\*/, '').trim().split(': ');
    if (means.length === 0)
      throw new Error(`${serverErrors}: ${property.key.value} lacks a comment "condition_name: what it means"`);
    const state = property.key.value;
    return [state, { condition, means: sentence(means.join(': ')), do: property.value.value, retry: retryAdviceOf(state) }];
  });
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function sentence(text) {
  return text[0].toUpperCase() + text.slice(1);
}

const verdicts = {
  retry: 'It may pass by itself: what runs in the background tries again, a command can be called again.',
  fatal: 'It does not pass by itself: something has to be done first.',
};

/** The manual as a page. */
export function formatErrorManual({ codes, sqlStates }) {
  return [
    '# Errors\n',
    '<!-- Written by scripts/docs.mjs from the doc comments of the error codes. Do not edit. -->\n',
    'Every error that walvault knows has a code. `walvault explain CODE` prints its entry, `walvault explain --list` the codes. On a',
    'terminal, and with `-d`, a `HINT:` line behind an error names the command; with `-f json` the codes stand in `_ERROR_CODE`, one for each',
    'line of `_ERROR` (null where there is none); in a log they are the member `code`, and `status` shows the code of the last error.\n',
    ...Object.entries(codes).map(([code, entry]) => page(code, entry)),
    '# SQLSTATEs\n',
    'Of the errors that a server reports (`ERR_SERVER`) these are met most by a receiver of WAL. `walvault explain` takes them, too.\n',
    ...Object.entries(sqlStates).map(([state, entry]) => page(`${state} ${entry.condition}`, entry)),
  ].join('\n');
}

function page(title, entry) {
  const { means, why, when, retry } = entry;
  const again = retry === 'either' ? `${sentence(when)}.` : verdicts[retry];
  return [
    `## ${title}\n`,
    `${means}\n`,
    ...(why ? [`**Why.** ${why}\n`] : []),
    `**What to do.** ${entry.do}\n`,
    `**Again?** ${again}\n`,
  ].join('\n');
}
