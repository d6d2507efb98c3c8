/** Chromium with the page in it, over a server of a test. */
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { AxeBuilder } from '@axe-core/playwright';
import { findProgram, temporaryDirectory } from '@walvault/testkit';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { expect } from 'vitest';
import { buildApp, type SafetyOptions } from '../api/build-app.ts';
import type { Receiving } from '../receiving.test-support.ts';

const packageDirectory = join(import.meta.dirname, '../..');

/** Builds the page into a directory of its own, once for a test file. */
export async function buildPage(): Promise<string> {
  const { path } = await temporaryDirectory('page');
  await build({ configFile: join(packageDirectory, 'vite.config.ts'), logLevel: 'error', build: { outDir: path } });
  return path;
}

/** The HTTP server with the page, below a path, and where it listens. */
export interface ServedPage extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly address: string;
}

/** Serves the page over what a test looks at. @param port any unless given; `token` is what it asks for */
export async function servePage(
  all: Receiving,
  pageDirectory: string,
  { port = 0, token }: { readonly port?: number; readonly token?: string } = {},
): Promise<ServedPage> {
  const { collector, history } = all;
  const safety: SafetyOptions = token === undefined ? {} : { secret: { kind: 'token', token } };
  const app = await buildApp({
    collector,
    history,
    log: pino({ level: 'silent' }),
    pageDirectory,
    basePath: '/below/wal',
    safety,
  });
  await app.listen({ host: '127.0.0.1', port });
  const listening = (app.server.address() as AddressInfo).port;
  return {
    app,
    port: listening,
    address: `http://127.0.0.1:${listening}/below/wal/`,
    [Symbol.asyncDispose]: async () => app.close(),
  };
}

/** A page that is looked at. What the browser had to refuse or could not do is kept. */
export class Viewer implements AsyncDisposable {
  readonly page: Page;
  /** Errors of scripts, refusals by the content security policy, and requests to anybody else. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page, address: string) {
    this.#browser = browser;
    this.page = page;
    page.on('pageerror', ({ message }) => this.complaints.push(message));
    page.on('console', (message) => {
      const isExpected = /^Failed to load resource: (net::ERR_CONNECTION|.* 401)/.test(message.text());
      if (message.type() === 'error' && !isExpected) this.complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(address)) this.complaints.push(`request to ${request.url()}`);
    });
  }

  /** Starts Chromium and opens an address. @param path what comes behind it */
  static async open(address: string, path = '', options: BrowserContextOptions = {}): Promise<Viewer> {
    const { path: executablePath, env } = findProgram('chromium');
    const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    const browser = await chromium.launch({ executablePath, args, env: { ...process.env, ...env } });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: 'Asia/Kolkata', ...options });
    const viewer = new Viewer(browser, await context.newPage(), address);
    viewer.page.setDefaultTimeout(60_000);
    await viewer.page.goto(address + path);
    return viewer;
  }

  /** Waits until the page holds a text. */
  async sees(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** Goes to a view of the server `pg`. */
  async goTo(link: string): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Views of pg' }).getByRole('link', { name: link }).click();
  }

  /** By how many pixels the page is wider than the screen. */
  async overflow(): Promise<number> {
    return this.page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
  }

  /** What axe finds, by rule. */
  async violations(): Promise<readonly string[]> {
    const { violations } = await new AxeBuilder({ page: this.page }).analyze();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  /** Ends the browser; complaints fail the test. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    expect(this.complaints).toEqual([]);
  }
}
