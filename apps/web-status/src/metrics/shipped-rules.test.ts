import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, runAsServerUser } from '@walvault/testkit';
import { expect, test } from 'vitest';
import { alertsDirectory, dashboard, isExported, namesIn, shipped } from './shipped-rules.test-support.ts';

const docs = join(import.meta.dirname, '../../../../docs');
const pages = join(docs, 'alerts');
const rules = shipped('rules.yml');
const alerts = new Set([...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name));
const recorded = new Set([...rules.matchAll(/- record: (\S+)/g)].map(([, name = '']) => name));

test('promtool takes the rules, and their unit tests pass', async () => {
  const { argv, env } = findProgram('promtool');
  const run = async (...args: readonly string[]) => runAsServerUser([...argv, ...args], { cwd: alertsDirectory, env });
  const [checked, tested] = await Promise.all([run('check', 'rules', 'rules.yml'), run('test', 'rules', 'rules.test.yml')]);
  expect(checked).toMatchObject({ code: 0, stderr: '' });
  expect(tested.stdout + tested.stderr).toContain('SUCCESS');
  expect(tested.code).toBe(0);
});

test('each alert is seen to come in a unit test', () => {
  const tested = shipped('rules.test.yml').matchAll(/alertname: (\w+)\n\s+exp_alerts:\n/g);
  expect(new Set([...tested].map(([, name]) => name))).toEqual(alerts);
});

test('each alert has a page of its own, which its rule leads to and the list names', () => {
  const names = readdirSync(pages).filter((name) => name !== 'README.md');
  expect(new Set(names)).toEqual(new Set([...alerts].map((alert) => `${alert}.md`)));
  const list = readFileSync(join(pages, 'README.md'), 'utf8');
  for (const alert of alerts) {
    const text = readFileSync(join(pages, `${alert}.md`), 'utf8');
    expect(text.startsWith(`# ${alert}\n`)).toBe(true);
    expect(text.match(/^## .*$/gm)).toEqual(['## What to look at', '## What to do', '## When it is harmless']);
    expect(list).toContain(`[${alert}](${alert}.md)`);
    const rule = new RegExp(`- alert: ${alert}\\n(?:(?!- alert:)[^])*?runbook_url: docs/alerts/${alert}\\.md\\n`);
    expect(rules).toMatch(rule);
  }
});

test('the pages name commands and options that there are, and lead to files that there are', () => {
  const manual = readFileSync(join(docs, '../apps/cli/man/walvault.1'), 'utf8').replaceAll(String.raw`\-`, '-');
  const sections = manual.split(/^\.SS /m);
  for (const name of readdirSync(pages)) {
    const text = readFileSync(join(pages, name), 'utf8');
    for (const [, command, options = ''] of text.matchAll(/(?:^|`)walvault ([a-z]+(?:-[a-z]+)*)([^`\n]*)/gm)) {
      const section = sections.find((one) => new RegExp(`^(\\S+\\|)?${command}(\\||\\s)`).test(one));
      expect(section, `${name}: ${command}`).toBeDefined();
      for (const option of options.match(/--[a-z-]+/g) ?? []) expect(section, `${name}: ${command}`).toContain(option);
    }
    for (const [, path = ''] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g))
      expect(() => readFileSync(join(pages, path)), `${name}: ${path}`).not.toThrow();
  }
});

test('rules and dashboard are about metrics that there are', () => {
  const used = [...namesIn(rules), ...namesIn(shipped('dashboard.json'))];
  expect(used.length).toBeGreaterThan(60);
  const unknown = used.filter((name) => !isExported(name) && !recorded.has(name));
  expect(unknown).toEqual([]);
});

test('the dashboard is one that Grafana can show: panels apart from each other, with texts, each with its queries', () => {
  const { uid, schemaVersion, templating, panels } = dashboard();
  expect({ uid, schemaVersion }).toEqual({ uid: 'walvault', schemaVersion: 37 });
  expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'server']);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { type, title, description, gridPos, targets } of panels) {
    expect(title).not.toBe('');
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    if (type === 'row') continue;
    expect(description, title).toBeTruthy();
    expect(targets?.length, title).toBeGreaterThan(0);
    expect(new Set(targets?.map(({ refId }) => refId)).size).toBe(targets?.length);
  }
  for (const [index, { gridPos: a }] of panels.entries())
    for (const { gridPos: b } of panels.slice(index + 1)) {
      const isApart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      expect(isApart, JSON.stringify([a, b])).toBe(true);
    }
});
