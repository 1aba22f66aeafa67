import { readdirSync } from "node:fs";
import { setImmediate } from "node:timers";
import { describe, expect, test } from "vitest";
import type { Runner } from "../../src/runner/types.ts";
import { fixtureProgram, processesWith, testRunner, usableSandboxes } from "./support.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Moments of a start, from before its folder is made to the middle of the import of the skill. */
const MOMENTS: Readonly<Record<string, (runner: Runner) => Promise<void>>> = {
  "at once": () => Promise.resolve(),
  "a turn later": turn,
  "when there is a process": async (runner) => {
    while (runner.list().length === 0) await turn();
  },
  "while the skill is imported": async (runner) => {
    while (!runner.list().some(({ state }) => state === "starting")) await turn();
  },
};

describe.each(await usableSandboxes())("a cold start in $name", (sandbox) => {
  test.each(Object.entries(MOMENTS))("that is cancelled %s leaves nothing", async (_name, moment) => {
    const runner = testRunner({}, sandbox), controller = new AbortController();
    const slow = fixtureProgram("slow_start.py", { start_timeout_ms: 60_000 });
    const request = { tool: "invoke", input: {}, signal: controller.signal };
    const settled = runner.call(slow, request).catch((error: unknown) => error);
    await moment(runner);
    controller.abort();
    expect(await settled).toMatchObject({ code: "cancelled" });
    expect(runner.list()).toEqual([]);
    expect(processesWith(runner.scratchRoot)).toEqual([]);
    await expect.poll(() => readdirSync(runner.scratchRoot)).toEqual([]);
  });
});
