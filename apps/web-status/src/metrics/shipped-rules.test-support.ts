/** The rules and the dashboard that are shipped, as tests look at them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { metricNames } from './metric-reference.ts';

/** Where they are. */
export const alertsDirectory: string = join(import.meta.dirname, '../../alerts');

/** Text of a file there. */
export function shipped(name: string): string {
  return readFileSync(join(alertsDirectory, name), 'utf8');
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

/** What tests look at of dashboard.json. */
export interface Dashboard {
  readonly uid: string;
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly panels: readonly Panel[];
}

/** The dashboard. */
export function dashboard(): Dashboard {
  return JSON.parse(shipped('dashboard.json')) as Dashboard;
}

/** Names of metrics of ours, and of recorded ones, in an expression or a whole file. */
export function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.match(/\b(?:server:)?walvault_\w+(?::\w+)?/g));
}

/** Whether something is exported under this name. */
export function isExported(name: string): boolean {
  return metricNames.includes(name) || metricNames.includes(name.replace(/_(bucket|sum|count)$/, ''));
}
