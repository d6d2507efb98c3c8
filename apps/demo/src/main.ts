/** `npm run demo`: argv, signals and the exit code. What happens in between is in demo.ts. */
import { styleText } from 'node:util';
import { type DemoArguments, readArguments, usage } from './arguments.ts';
import { type Outcome, runDemo } from './demo.ts';
import { Narrator } from './narrator.ts';
import { Stage } from './stage.ts';

/** A supervisor and the terminal may both deliver the same Ctrl-C; a second one that is meant comes later. */
const sameSignalMs = 500;
const signalExitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type EndSignal = keyof typeof signalExitCodes;

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  let options: DemoArguments;
  try {
    options = readArguments(argv);
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const narrator = new Narrator({
    screen: process.stdout,
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
    inPlace: process.stdout.isTTY && process.env['TERM'] !== 'dumb',
  });
  const interruption = heedSignals(narrator);
  const outcome = await runDemo(new Stage(narrator, options, interruption.signal));
  return exitCodeOf(outcome, interruption.received());
}

/** The first signal ends the demo in good order; a second one at once, and testkit's guardian cleans up behind it. */
function heedSignals(narrator: Narrator): { signal: AbortSignal; received: () => EndSignal | undefined } {
  const controller = new AbortController();
  let received: EndSignal | undefined;
  let receivedAt = 0;
  for (const name of Object.keys(signalExitCodes) as EndSignal[]) {
    process.on(name, () => {
      if (received === undefined) {
        [received, receivedAt] = [name, performance.now()];
        narrator.breakOff(`${name}: stopping and cleaning up`);
        controller.abort();
      } else if (performance.now() - receivedAt > sameSignalMs) process.exit(signalExitCodes[name]);
    });
  }
  // `npm run demo | head`: nobody reads on, but there is still something to clean up.
  process.stdout.on('error', () => controller.abort());
  return { signal: controller.signal, received: () => received };
}

function exitCodeOf(outcome: Outcome, received: EndSignal | undefined): number {
  if (outcome === 'interrupted') return received === undefined ? 1 : signalExitCodes[received];
  return outcome === 'nothing lost' ? 0 : 1;
}
