/** `check` and `status` of a real Barman and ours, on the same directories and the same server. */
import { type Barman, type Cluster, fillSegments, startCluster } from '@walvault/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barmanBeside, receiveByBarman } from './barman.test-support.ts';
import { type Section, Vault } from './vault.test-support.ts';

const stack = new AsyncDisposableStack();
let pg: Cluster;
let vault: Vault;
let barman: Barman;

const options: Section = { description: 'throw-away', max_incoming_wals_queue: '2', archiver: 'on' };

beforeAll(async () => {
  pg = stack.use(await startCluster({ major: 15, segmentSizeMb: 1 }));
  const conninfo = pg.conninfo();
  vault = stack.use(
    await Vault.create({
      pg: { conninfo, streaming_conninfo: conninfo, streaming_archiver: 'on', slot_name: 'barman', ...options },
    }),
  );
  barman = stack.use(await barmanBeside(vault, pg, options));
});

afterAll(() => stack[Symbol.asyncDispose]());

/** What Barman checks of base backups and of its own programs, and we do not. */
const onlyBarman = [
  'superuser or standard user with backup privileges',
  'backup maximum age',
  'backup minimum size',
  'failed backups',
  'minimum redundancy requirements',
  'pg_basebackup',
  'pg_basebackup compatible',
  'pg_basebackup supports tablespaces mapping',
  'pg_receivexlog',
  'pg_receivexlog compatible',
];

const onlyOurs = [
  'monitoring privileges',
  'receive lag',
  'last received',
  'slot retention',
  'holes',
  'free disk space',
  'archive queue',
  'WAL verification',
  'RPO',
];

interface Compared {
  readonly console: readonly (readonly [name: string, said: string])[];
  readonly json: Readonly<Record<string, { hint: string; status: string }>>;
  readonly code: number | null;
}

async function checkedBy(who: Vault | Barman): Promise<Compared> {
  const { stdout, code } = await who.run('check', 'pg');
  const [first, ...lines] = stdout.trimEnd().split('\n');
  expect(first).toBe('Server pg:');
  const json = JSON.parse((await who.run('-f', 'json', 'check', 'pg')).stdout) as { pg: Compared['json'] };
  const console = lines.map((line) => {
    const [, name, said] = /^\t([^:]+): (.*)$/.exec(line)!;
    return [name!, said!] as const;
  });
  return { console, json: json.pg, code };
}

function names({ console }: Compared): readonly string[] {
  return console.map(([name]) => name);
}

/** The command that Barman's hints name is ours. */
function own(text: string): string {
  return text.replace(`'barman receive-wal`, `'walvault receive-wal`);
}

/** Compares what both check; `except` says otherwise, and is compared by hand. */
async function compare(except: readonly string[], extra: readonly string[] = []): Promise<{ theirs: Compared; ours: Compared }> {
  const [theirs, ours] = [await checkedBy(barman), await checkedBy(vault)];
  const common = names(theirs).filter((name) => names(ours).includes(name));
  expect(names(ours).filter((name) => common.includes(name))).toEqual(common);
  expect(names(theirs).filter((name) => !common.includes(name) && !onlyBarman.includes(name))).toEqual(extra);
  expect(names(ours).filter((name) => !common.includes(name) && !onlyOurs.includes(name) && !except.includes(name))).toEqual([]);
  const same = common.filter((name) => !except.includes(name));
  const saidBy = (compared: Compared): readonly string[] =>
    same.map((name) => `${name}: ${own(compared.console.find(([other]) => other === name)![1])}`);
  expect(saidBy(ours)).toEqual(saidBy(theirs));
  for (const name of same) {
    const key = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '_');
    const { hint, status } = ours.json[key]!;
    expect({ [key]: { hint, status } }).toEqual({ [key]: { ...theirs.json[key]!, hint: own(theirs.json[key]!.hint) } });
  }
  return { theirs, ours };
}

test('before anything was done', async () => {
  const { theirs, ours } = await compare(['receive-wal running']);
  expect([theirs.code, ours.code]).toEqual([1, 1]);
});

test('with a slot that keeps nothing, while Barman receives, and with a queue', async () => {
  await barman.succeed('receive-wal', '--create-slot', 'pg');
  await compare(['receive-wal running']);
  await receiveByBarman(barman, pg, async () => {
    await compare([]);
    return fillSegments(pg, 6);
  });
  const { ours } = await compare(['receive-wal running']);
  expect(ours.console.find(([name]) => name === 'streaming WALs directory')![1]).toMatch(
    /^FAILED \(there are too many WALs in queue: \d+, max 2\)$/,
  );
  await barman.succeed('archive-wal', 'pg');
  // Barman counts from the last base backup, of which there is none.
  const { theirs, ours: after } = await compare(['receive-wal running', 'wal size']);
  expect(theirs.json['wal_size']).toEqual({ hint: '0 B', status: 'OK' });
  expect(after.json['wal_size']).toMatchObject({
    hint: expect.stringMatching(/^\d\.\d MiB$/),
    status: 'OK',
    numbers: { wals_bytes: expect.any(Number) },
  });
});

/** What the status says, as JSON has it: Barman's description and message by key. */
type Said = Readonly<Record<string, { readonly description: string; readonly message: string }>>;

async function statusOf(who: Vault | Barman): Promise<Said> {
  const { pg: said } = JSON.parse((await who.run('-f', 'json', 'status', 'pg')).stdout) as { pg: Said };
  return Object.fromEntries(Object.entries(said).map(([key, { description, message }]) => [key, { description, message }]));
}

async function linesOf(who: Vault | Barman): Promise<readonly string[]> {
  return (await who.run('status', 'pg')).stdout.split('\n');
}

test('status has the lines of Barman that concern WAL, in its words', async () => {
  const aboutBackups = ['current_size', 'backups_number', 'first_backup', 'last_backup', 'minimum_redundancy'];
  const theirs = Object.entries(await statusOf(barman)).filter(([key]) => !aboutBackups.includes(key));
  expect(await statusOf(vault)).toMatchObject(Object.fromEntries(theirs));
  const descriptions = theirs.map(([, { description }]) => description);
  const theirLines = (await linesOf(barman)).filter((line) => descriptions.some((words) => line.startsWith(`\t${words}: `)));
  expect((await linesOf(vault)).filter((line) => theirLines.includes(line))).toEqual(theirLines);
});

test('a server that is down, one that is inactive, and one that nobody knows', async () => {
  await pg.stop();
  // What is said of our connections has its reason, and that of the streaming one too.
  const { ours } = await compare(['PostgreSQL', 'PostgreSQL streaming', 'receive-wal running', 'wal size']);
  expect(ours.console.find(([name]) => name === 'PostgreSQL')![1]).toMatch(/^FAILED \(connection to server at .* refused\)$/);
  await vault.configure({ pg: { conninfo: pg.conninfo(), streaming_archiver: 'on', slot_name: 'barman', active: 'false' } });
  const inactive = await vault.run('check', 'pg');
  expect(inactive).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Server pg \(inactive\):\n\tPostgreSQL: FAILED /) });
  expect(await vault.run('check', '--nagios', 'pg')).toMatchObject({
    code: 0,
    stdout: 'WALVAULT OK - No server configured * IGNORING: pg\n',
  });
  expect(await vault.run('check', 'nosuch')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`ERROR: Unknown server 'nosuch'`),
  });
  expect(await vault.run('check', '--nagios', 'nosuch')).toMatchObject({
    code: 2,
    stdout: `WALVAULT CRITICAL - Unknown server 'nosuch'\n`,
  });
});
