/** The command line of the bench. The report goes to stdout, what is going on to stderr. */
import { BenchFailure } from './failure.ts';
import { benchReceive } from './receive.ts';
import { parseReceiveOptions, receiveUsage } from './receive-options.ts';

const [command, ...args] = process.argv.slice(2);
if (command === 'receive' && !args.includes('--help')) process.exitCode = await receive(args);
else if (args.includes('--help') || command === '--help') console.log(receiveUsage);
else {
  console.error(receiveUsage);
  process.exitCode = 2;
}

async function receive(words: readonly string[]): Promise<number> {
  try {
    await benchReceive(parseReceiveOptions(words), {
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
