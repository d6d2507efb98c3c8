import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { buildPage } from './browser.test-support.ts';

const directory = await buildPage();
const files = globSync('**/*.*', { cwd: directory }).map((name) => ({ name, content: readFileSync(join(directory, name)) }));

test('the page with all that belongs to it is less than 100 kB to download', () => {
  const sizes = files.map(({ content }) => gzipSync(content).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(100_000);
});

test('it holds nothing that the content security policy refuses, and no address but relative ones', () => {
  const page = files.find(({ name }) => name === 'index.html')?.content.toString() ?? '';
  expect(page).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/);
  const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
  expect(addresses.length).toBeGreaterThan(2);
  for (const address of addresses) expect(address).toMatch(/^(\.\/|api\/)/);
  const others = files
    .filter(({ name }) => /\.(js|css)$/.test(name))
    .flatMap(({ content }) => content.toString().match(/https?:\/\/[\w.]+/g) ?? []);
  // The names of XML's vocabularies are no addresses.
  expect(others.filter((address) => !address.startsWith('http://www.w3.org'))).toEqual([]);
});
