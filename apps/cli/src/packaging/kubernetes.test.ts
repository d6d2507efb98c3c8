/** No Kubernetes runs here: the manifest is checked against the types of its API, in which an unknown or missing field is an error. */
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runAsServerUser, temporaryDirectory } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { checkout, packagingFile } from './packaging-files.test-support.ts';

interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
}

const resources = parseAllDocuments(packagingFile('kubernetes/walvault.yaml')).map((document) => {
  expect(document.errors).toEqual([]);
  return document.toJS() as Resource;
});

/** What the compiler says to resources, each written down as a value of its type. */
async function complaints(values: readonly Resource[]): Promise<string> {
  await using place = await temporaryDirectory('kubernetes');
  const types = dirname(createRequire(import.meta.url).resolve('kubernetes-types/package.json'));
  const lines = values.map(({ apiVersion, kind, ...rest }, at) => {
    const module = apiVersion === 'v1' ? 'core/v1' : apiVersion;
    const value = JSON.stringify({ apiVersion, kind, ...rest });
    return `import type { ${kind} as Type${at} } from '${types}/${module}.d.ts';\nexport const value${at}: Type${at} = ${value};\n`;
  });
  const file = join(place.path, 'manifest.ts');
  await writeFile(file, lines.join(''));
  const compiler = join(checkout, 'node_modules/.bin/tsc');
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig'];
  const { stdout, stderr } = await runAsServerUser([compiler, ...options, file], { cwd: place.path, env: { PATH: path() } });
  return stdout + stderr;
}

function path(): string {
  return `${join(checkout, 'node_modules/.bin')}:${process.env['PATH']}`;
}

test('the manifest is what the API of Kubernetes takes', async () => {
  expect(resources.map(({ kind }) => kind)).toEqual(['ConfigMap', 'StatefulSet', 'Service']);
  expect(await complaints(resources)).toBe('');
});

test('a field that the API does not know is found', async () => {
  const text = JSON.stringify(resources).replace('livenessProbe', 'livenesProbe');
  expect(await complaints(JSON.parse(text) as Resource[])).toMatch(/livenesProbe/);
});
