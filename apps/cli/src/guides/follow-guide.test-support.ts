/** A test that does, step by step, what a guide says, and compares what is seen with what the guide shows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GuideMachines, type GuideSetting } from './guide-machines.test-support.ts';
import { isAsShown } from './guide-output.test-support.ts';
import { GuidePage, type GuideStep } from './guide-page.test-support.ts';

/**
 * Makes the test of `docs/guides/NAME.md`. `vitest --update` writes what was seen into the page, where that is something else
 * than what it shows.
 */
export function testGuide(name: string, setting: GuideSetting): void {
  test(`docs/guides/${name}.md, followed word for word`, async () => {
    const page = new GuidePage(name);
    await using machines = await GuideMachines.create(setting);
    const outputs = new Map<GuideStep, string>();
    for (const step of page.steps.filter(({ isRun }) => isRun)) {
      const { code, seen } = await (step.isRepeated ? untilAsShown(machines, step) : machines.carryOut(step));
      if (code !== step.exitCode) throw new Error(`docs/guides/${name}.md:${step.line} ended with ${code}:\n${step.text}${seen}`);
      if (step.output !== undefined && !isAsShown(seen, step.output.text)) outputs.set(step, seen);
    }
    expect(page.steps.some(({ isRun }) => isRun)).toBe(true);
    await expect(page.withOutputs(outputs)).toMatchFileSnapshot(page.path);
  });
}

/** For what takes a moment. The last answer, when it never is. */
async function untilAsShown(machines: GuideMachines, step: GuideStep): ReturnType<GuideMachines['carryOut']> {
  for (const deadline = performance.now() + 30_000; ; await sleep(200)) {
    const result = await machines.carryOut(step);
    if (isAsShown(result.seen, step.output?.text ?? result.seen) && result.code === step.exitCode) return result;
    if (performance.now() > deadline) return result;
  }
}
