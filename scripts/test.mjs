// `npm test`: runs every test of the workspace and ends with the counts.
//
//   npm test                      all packages; a package whose inputs did not change is taken from turbo's cache
//   npm test -- --force           run everything anew (what CI does)
//   npm test -- --filter=walvault one package (any option of `turbo run` goes)
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const tools = spawnSync(process.execPath, ['scripts/debian-tools.mjs'], { stdio: 'inherit' });
if (tools.status !== 0 && process.env.CI) process.exit(tools.status ?? 1);

const folders = [
  ...readdirSync('packages').map((name) => join('packages', name)),
  ...readdirSync('apps').map((name) => join('apps', name)),
  'bench',
];
const reports = folders.map((folder) => join(folder, 'test-report.json'));
for (const report of reports) rmSync(report, { force: true });

const result = spawnSync(
  'turbo',
  ['run', 'test', '--concurrency=1', '--continue=always', '--output-logs=new-only', '--ui=stream', ...process.argv.slice(2)],
  { stdio: 'inherit' },
);

const sum = { passed: 0, failed: 0, skipped: 0 };
for (const report of reports.filter((path) => existsSync(path))) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  sum.passed += numPassedTests;
  sum.skipped += numPendingTests + numTodoTests;
  // a file that could not even be loaded has no test in it, and counts as a failed one
  sum.failed +=
    numFailedTests + testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
}
console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
const failed = result.status !== 0 || sum.failed > 0 || sum.passed === 0;
process.exit(failed ? result.status || 1 : 0);
