/** The command line of the bench. The report goes to stdout, what is going on to stderr. */
import { archive } from './archive/archive.ts';
import { boundary } from './boundary/boundary.ts';
import { commit } from './commit/commit.ts';
import { BenchFailure } from './failure.ts';
import { find } from './find/find.ts';
import { getWal } from './get-wal/get-wal.ts';
import { idle } from './idle/idle.ts';
import { latency } from './latency/latency.ts';
import { memory } from './memory/memory.ts';
import { receive } from './receive/receive.ts';
import { restore } from './restore/restore.ts';
import { run as runServers } from './run/run.ts';
import type { Scenario } from './scenario.ts';
import { start } from './start/start.ts';
import { statusPage } from './status-page/status-page.ts';
import { verify } from './verify/verify.ts';
import { watched } from './watched/watched.ts';

const scenarios: readonly Scenario[] = [
  receive,
  commit,
  boundary,
  idle,
  memory,
  archive,
  latency,
  getWal,
  find,
  restore,
  start,
  verify,
  watched,
  statusPage,
  runServers,
];

const usage = `usage: npm run bench -- SCENARIO [OPTION ...]

${scenarios.map(({ name, summary }) => `  ${name.padEnd(11)} ${summary}`).join('\n')}

Each knows --help. All work in the directory for temporary files (TMPDIR), so choose the disk by that.
`;

const [name, ...args] = process.argv.slice(2);
const chosen = scenarios.find((scenario) => scenario.name === name);
if (chosen === undefined) {
  const isHelp = name === '--help' || name === 'help';
  (isHelp ? console.log : console.error)(usage);
  process.exitCode = isHelp ? 0 : 2;
} else if (args.includes('--help')) console.log(chosen.usage);
else process.exitCode = await run(chosen);

async function run(scenario: Scenario): Promise<number> {
  try {
    await scenario.run(args, {
      report: (text) => console.log(text),
      progress: (text) => console.error(`bench: ${text}`),
    });
    return 0;
  } catch (error) {
    if (!(error instanceof BenchFailure)) throw error;
    console.error(`bench: ${error.message}`);
    return 1;
  }
}
