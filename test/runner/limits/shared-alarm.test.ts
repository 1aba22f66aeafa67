import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { SharedAlarm } from "../../../src/runner/limits/shared-alarm.ts";

describe("SharedAlarm", () => {
  it("rings for each at its time, whatever the order in which they were set", async () => {
    const alarm = new SharedAlarm(), began = performance.now();
    const rung: string[] = [];
    const ring = (name: string, ms: number) =>
      new Promise<number>((resolve) =>
        alarm.set(ms, () => {
          rung.push(name);
          resolve(performance.now() - began);
        })
      );
    const times = await Promise.all([ring("last", 60), ring("first", 5), ring("second", 30)]);
    expect(rung).toEqual(["first", "second", "last"]);
    expect([times[0] >= 60, times[1] >= 5, times[2] >= 30]).toEqual([true, true, true]);
  });

  it("does not ring for whoever has cleared it, and does for the others", async () => {
    const alarm = new SharedAlarm();
    const rung: string[] = [];
    const clear = alarm.set(5, () => rung.push("cleared"));
    await new Promise<void>((resolve) => {
      alarm.set(20, resolve);
      clear();
    });
    expect(rung).toEqual([]);
  });

  it("rings for what is set after an earlier time was cleared, and for what is set while it rings", async () => {
    const alarm = new SharedAlarm();
    alarm.set(5, () => {})();
    await sleep(10);
    const inside = new Promise<string>((resolve) =>
      alarm.set(5, () => alarm.set(5, () => resolve("inside")))
    );
    expect(await inside).toBe("inside");
    expect(await new Promise<string>((resolve) => alarm.set(0, () => resolve("at once")))).toBe("at once");
  });

  it("waits for times that one timer of the system can't hold", async () => {
    const alarm = new SharedAlarm();
    let rung = false;
    const clear = alarm.set(2 ** 40, () => {
      rung = true;
    });
    await sleep(20);
    clear();
    expect(rung).toBe(false);
  });
});
