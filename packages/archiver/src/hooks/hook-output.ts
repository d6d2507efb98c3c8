/** The output of a hook, line by line, whatever it writes: memory is bounded, and so is what the log is given. */
import type { Readable } from 'node:stream';

/** A line that is longer is cut into pieces of this many characters. */
const longestLine = 4096;
/** Lines of one run and stream that are passed on. What comes after them is read and dropped, so that the script can go on. */
const mostLines = 1000;

/**
 * Reads a stream to its end and passes on each line without its newline; the last one also when it has none.
 * Empty lines are left out. A stream that is destroyed has ended.
 * @param stream null where there is none, as for a program that could not be started
 */
export async function eachLine(stream: Readable | null, onLine: (line: string) => void): Promise<void> {
  if (stream === null) return;
  let rest = '';
  let count = 0;
  const pass = (line: string): void => {
    if (line.trim() === '') return;
    count += 1;
    if (count <= mostLines) onLine(line);
    else if (count === mostLines + 1) onLine(`(more than ${mostLines} lines; what follows is left out)`);
  };
  stream.setEncoding('utf8');
  for await (const chunk of untilClosed(stream)) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) for (const piece of pieces(line)) pass(piece);
    for (; rest.length >= longestLine; rest = rest.slice(longestLine)) pass(rest.slice(0, longestLine));
  }
  pass(rest);
}

async function* untilClosed(stream: Readable): AsyncGenerator<string, void, undefined> {
  try {
    for await (const chunk of stream as AsyncIterable<string>) yield chunk;
  } catch (error) {
    if (!stream.destroyed) throw error;
  }
}

function pieces(line: string): readonly string[] {
  if (line.length <= longestLine) return [line];
  return Array.from({ length: Math.ceil(line.length / longestLine) }, (_, index) =>
    line.slice(index * longestLine, (index + 1) * longestLine),
  );
}
