import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesBelow, segmentName, type TestReport, TestServer, walFile } from '../../testing.ts';
import type { ArchiveWalOptions, HookScripts } from '../index.ts';

const [one, two, three] = [1, 2, 3].map((number) => segmentName(1, number)) as [string, string, string];
const live = `${segmentName(1, 4)}.partial`;

/** A pass with scripts that write down how they are called. */
class Scripts {
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  get #journal(): string {
    return join(this.#server.home, 'journal');
  }

  /** Shell that writes a line, and then does something else. */
  script(then = 'exit 0'): string {
    const path = join(this.#server.home, `script-${Math.random().toString(36).slice(2)}`);
    const fields = '$BARMAN_PHASE$BARMAN_RETRY $BARMAN_SEGMENT $BARMAN_SIZE [$BARMAN_COMPRESSION] $BARMAN_FILE [$BARMAN_ERROR]';
    writeFileSync(path, `#!/bin/sh\necho "${fields}" >> ${this.#journal}\n${then}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  lines(): string[] {
    return existsSync(this.#journal) ? readFileSync(this.#journal, 'utf8').trimEnd().split('\n') : [];
  }

  async archive(scripts: HookScripts, options: Partial<ArchiveWalOptions> = {}): Promise<TestReport> {
    const directories = { ...this.#server.options.directories, incoming: this.#server.incoming };
    return this.#server.archive({ directories, hooks: { scripts, pause: async () => undefined }, ...options });
  }
}

test('runs the scripts around each file in the order of Barman, one file after another', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  const scripts = new Scripts(server);
  const hooks = { pre: scripts.script(), preRetry: scripts.script(), postRetry: scripts.script(), post: scripts.script() };
  await scripts.archive(hooks, { compression: { method: 'gzip' }, workers: 4 });
  const noted = new Map(server.noted().map(([name, size]) => [name, size]));
  expect(scripts.lines()).toEqual(
    [one, two].flatMap((name) => {
      const before = `${name} 1048576 [] ${join(server.streaming, name)} []`;
      const after = `${name} ${noted.get(name)} [gzip] ${server.archived(name)} []`;
      return [`pre0 ${before}`, `pre1 ${before}`, `post1 ${after}`, `post0 ${after}`];
    }),
  );
});

test('when the scripts behind are run, the file is noted and its source still there', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  const scripts = new Scripts(server);
  const seen = join(server.home, 'seen');
  await scripts.archive({ post: scripts.script(`ls ${server.streaming} > ${seen}; cat ${server.xlogDb} >> ${seen}`) });
  expect(readFileSync(seen, 'utf8')).toMatch(new RegExp(`^${one}\n${live}\n${one}\t1048576`));
  expect(filesBelow(server.streaming)).toEqual([live]);
});

test('63 of the retry script before a file ends the pass over both directories, with everything in its place', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, three, live);
  await writeFile(join(server.incoming, '00000002.history'), walFile('00000002.history'));
  const scripts = new Scripts(server);
  const report = await scripts.archive({ preRetry: scripts.script(`[ $BARMAN_SEGMENT = ${two} ] && exit 63; exit 0`) });
  expect(report.isStopped).toBe(true);
  expect(report.files.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`archived ${one}`]);
  expect(filesBelow(server.streaming)).toEqual([two, three, live]);
  expect(filesBelow(server.incoming)).toEqual(['00000002.history']);
});

test('62 and 63 behind a file end nothing; a failing plain script neither', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  const scripts = new Scripts(server);
  const report = await scripts.archive({
    pre: scripts.script('exit 1'),
    preRetry: scripts.script('exit 62'),
    postRetry: scripts.script('exit 63'),
    post: scripts.script('exit 2'),
  });
  expect(report.files.map(({ kind }) => kind)).toEqual(['archived', 'archived']);
  expect(report.isStopped).toBe(false);
  expect(scripts.lines()).toHaveLength(8);
});

test('what is behind learns of a duplicate, a conflict and a bad file by BARMAN_ERROR', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  await server.put(one);
  await server.write(server.archived(two), walFile(two, { seed: 'other' }));
  await writeFile(join(server.streaming, three), 'bad');
  const scripts = new Scripts(server);
  const report = await scripts.archive({ post: scripts.script() });
  expect(report.files.map(({ kind }) => kind)).toEqual(['duplicate', 'conflict', 'invalid']);
  const [duplicate, conflict, invalid] = scripts.lines();
  expect(duplicate).toContain(`${server.archived(one)} [${one} is in the archive already]`);
  expect(conflict).toMatch(/\.duplicate \[.* is in the archive with other content\]/);
  expect(invalid).toMatch(/\.invalid \[WAL file ".*" is too short for a WAL page header\]/);
});

test('what a script has changed is looked at again', async () => {
  await using server = await TestServer.create();
  await server.stream(one, live);
  const scripts = new Scripts(server);
  const report = await scripts.archive({ pre: scripts.script('printf x > $BARMAN_FILE') });
  expect(report.files).toMatchObject([{ kind: 'invalid', name: one }]);
});

test('a script that takes the file away leaves nothing to archive', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  const scripts = new Scripts(server);
  const report = await scripts.archive({ pre: scripts.script(`[ $BARMAN_SEGMENT = ${one} ] && rm $BARMAN_FILE`) });
  expect(report.files.map(({ name }) => name)).toEqual([two]);
});

test('an end that is asked for while a script runs ends the script and the pass', async () => {
  await using server = await TestServer.create();
  await server.stream(one, two, live);
  const scripts = new Scripts(server);
  const controller = new AbortController();
  const reason = new Error('shutting down');
  const pass = scripts.archive({ preRetry: scripts.script('exit 1') }, { signal: controller.signal, log: undefined });
  const stopping = (async () => {
    while (scripts.lines().length < 3) await new Promise((resolve) => void setTimeout(resolve, 5));
    controller.abort(reason);
  })();
  await expect(pass).rejects.toBe(reason);
  await stopping;
  expect(filesBelow(server.streaming)).toEqual([one, two, live]);
});
