/** A pseudo terminal, by `script` of util-linux: what a program shows to who sits there. */

/** The command line that runs another one with a terminal of 120 columns as its input and output. What it shows comes on standard output. */
export function atTerminal(argv: readonly string[]): readonly string[] {
  const command = argv.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
  return ['script', '-q', '-e', '-c', `stty cols 120; exec env TERM=xterm ${command}`, '/dev/null'];
}
