/** The page in Chromium: how soon something is seen, and how long it is busy at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '@walvault/testkit';
import { chromium, type Page } from 'playwright-core';
import { largeServer } from './many-servers.ts';

/** In milliseconds. */
export interface PageTimes {
  /** From the start of the navigation until the first text is seen. */
  readonly firstPaint: number;
  /** Until all servers are. */
  readonly allServers: number;
  /** From the click until the map of the large archive is there. */
  readonly map: number;
  /** The longest task of its thread, meanwhile and while the figures of all servers go on; 0 when none took 50 ms. */
  readonly longestTask: number;
}

const watchTasks = `
  globalThis.longestTask = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longestTask = Math.max(longestTask, duration);
  }).observe({ type: 'longtask', buffered: true });
`;

/** Looks at all servers, then at the map of the large archive. @param seconds how long the first view is kept open */
export async function lookInBrowser(
  port: number,
  { servers, seconds }: { servers: number; seconds: number },
): Promise<PageTimes> {
  const { path: executablePath, env } = findProgram('chromium');
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  const browser = await chromium.launch({ executablePath, args, env: { ...process.env, ...env } });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.addInitScript(watchTasks);
    await page.goto(`http://127.0.0.1:${port}/`);
    await page
      .getByRole('table', { name: 'Servers' })
      .locator('tbody tr')
      .nth(servers - 1)
      .waitFor();
    const allServers = await page.evaluate<number>('performance.now()');
    const firstPaint = await page.evaluate<number>(
      `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Infinity`,
    );
    await sleep(seconds * 1000);
    const map = await timeOfMap(page);
    return { firstPaint, allServers, map, longestTask: await page.evaluate<number>('longestTask') };
  } finally {
    await browser.close();
  }
}

async function timeOfMap(page: Page): Promise<number> {
  const startedAtMs = performance.now();
  await page.evaluate(`location.hash = '#/servers/${largeServer}/archive'`);
  await page.getByRole('img', { name: /^Timeline 1: / }).waitFor();
  return performance.now() - startedAtMs;
}
