/** Whether what a command printed is what the page shows, apart from what is never twice the same. */

/** What differs from run to run, and what stands for it. Applied in this order. */
const varying: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC|[+-]\d\d(:?\d\d)?))?/g, 'TIME'],
  [/\b[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4}\b/g, 'TIME'],
  [/\d{8}T\d{6}(\.\d+)?Z?/g, 'STAMP'],
  [/\b[0-9A-F]{24}\b/g, 'SEGMENT'],
  [/\b[0-9A-F]{1,8}\/[0-9A-F]{1,8}\b/g, 'LSN'],
  [/\b[0-9a-f]{16,}\b/g, 'HASH'],
  [/\b\d{18,20}\b/g, 'SYSTEM'],
  [/\b(pid|PID|transaction|process) \d+/g, '$1 N'],
  [/\(\d+\)/g, '(N)'],
  [/\[\d+\]/g, '[N]'],
  [/\b\d+(\.\d+)? ?(B|[KMGT]i?B|kB|ms|s|min|h|seconds?|minutes?|bytes|%)(?=\W|$)/gm, 'QUANTITY'],
  [/\b\d+ (flushes)\b/g, 'N $1'],
  [/-{3,}/g, '---'],
  [/\.{4,}/g, '....'],
  [/[ \t]+/g, ' '],
  [/ $/gm, ''],
];

/** Lines with everything that varies masked, and without empty ones at the ends. */
function maskedLines(text: string): readonly string[] {
  return varying
    .reduce((rest, [pattern, name]) => rest.replaceAll(pattern, name), text)
    .trim()
    .split('\n');
}

/** Whether it is what the page shows. */
export function isAsShown(seen: string, shown: string): boolean {
  return areAsShown(maskedLines(seen), maskedLines(shown));
}

function areAsShown(seen: readonly string[], shown: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return seen.length === 0;
  if (first === '...') return seen.some((_, skipped) => areAsShown(seen.slice(skipped), rest)) || rest.length === 0;
  return seen[0] === first && areAsShown(seen.slice(1), rest);
}
