/** Options that several scenarios have. */
import { postgresMajors } from '@walvault/testkit';
import { choiceOption, directoryOption, wholeNumberOption } from './options.ts';

/** When received WAL is made durable; two programs are compared with the same policy. */
export type FlushPolicy = 'segment' | 'continuous';

/** Up to 14 a walsender does not tell where a slot begins, and pg_receivewal could not be made to start at the backlog. */
export const majorOption = choiceOption({
  help: 'major version of the server, not above that of pg_receivewal',
  fallback: '15',
  choices: postgresMajors.filter((major) => major >= 15),
});

export const programOption = choiceOption({
  help: 'built: walvault as npm installs it, built before the runs;\nsource: the TypeScript of this checkout',
  fallback: 'built',
  choices: ['built', 'source'],
});

export const pairsOption = (fallback: number) =>
  wholeNumberOption({ help: 'how often each of the two is measured', fallback, least: 1, most: 100 });

export const receivingOption = directoryOption({
  help: 'where to receive to, for example a tmpfs or another disk; unless given,\nbeside the server in the directory for temporary files (TMPDIR)',
});
