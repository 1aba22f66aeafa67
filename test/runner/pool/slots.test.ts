import { expect, test } from "vitest";
import { SkillError } from "../../../src/base/errors.ts";
import { Deadline } from "../../../src/runner/limits/deadline.ts";
import { Slots } from "../../../src/runner/pool/slots.ts";

const soon = () => new Deadline(60_000);

test("acquire lets in first come, first served", async () => {
  const slots = new Slots(1, 1, 10), order: number[] = [];
  await slots.acquire("a", soon());
  const waiting = [1, 2, 3].map((number) => slots.acquire("a", soon()).then(() => order.push(number)));
  for (const next of waiting) {
    slots.release("a");
    await next;
  }
  expect(order).toEqual([1, 2, 3]);
  expect(slots.tryAcquire("a")).toBe(false);
  slots.release("a");
  expect(slots.tryAcquire("a")).toBe(true);
});

test("dismiss sends away who waits with that key, and nobody else", async () => {
  const slots = new Slots(1, 1, 10), reason = new SkillError("closed", "stopped");
  await slots.acquire("a", soon(), "k");
  const [dismissed, other] = [slots.acquire("a", soon(), "k"), slots.acquire("a", soon(), "l")];
  slots.dismiss("k", reason);
  await expect(dismissed).rejects.toBe(reason);
  slots.release("a");
  await other;
});

test("acquire refuses when the line is full", async () => {
  const slots = new Slots(1, 1, 1);
  await slots.acquire("a", soon());
  const second = slots.acquire("a", soon());
  await expect(slots.acquire("a", soon())).rejects.toMatchObject({ code: "queue_full" });
  slots.release("a");
  await second;
});

test("acquire counts the time in line, and whoever gave up does not take a slot", async () => {
  const slots = new Slots(1, 1, 10);
  await slots.acquire("a", soon());
  await expect(slots.acquire("a", new Deadline(5))).rejects.toMatchObject({ code: "timeout" });
  const controller = new AbortController();
  const third = slots.acquire("a", new Deadline(60_000, controller.signal));
  const fourth = slots.acquire("a", soon());
  controller.abort();
  await expect(third).rejects.toMatchObject({ code: "cancelled" });
  slots.release("a");
  await fourth;
});

test("close sends everybody away, and lets nobody in", async () => {
  const slots = new Slots(1, 1, 10), reason = new SkillError("closed", "over");
  await slots.acquire("a", soon());
  const second = slots.acquire("a", soon());
  slots.close(reason);
  await expect(second).rejects.toBe(reason);
  slots.release("a");
  await expect(slots.acquire("a", soon())).rejects.toBe(reason);
});

test("a skill has no more slots than its own, and those behind it are let in meanwhile", async () => {
  const slots = new Slots(3, 1, 10), entered: string[] = [];
  await slots.acquire("a", soon());
  const second = slots.acquire("a", soon()).then(() => entered.push("a"));
  await slots.acquire("b", soon()).then(() => entered.push("b"));
  expect(slots.tryAcquire("b")).toBe(false);
  expect(entered).toEqual(["b"]);
  slots.release("a");
  await second;
  expect(entered).toEqual(["b", "a"]);
});

test("a slot of one skill goes to the first in line that may have it", async () => {
  const slots = new Slots(2, 1, 10), entered: string[] = [];
  await Promise.all([slots.acquire("a", soon()), slots.acquire("b", soon())]);
  const waiting = ["a", "c"].map((skill) => slots.acquire(skill, soon()).then(() => entered.push(skill)));
  slots.release("b");
  await waiting[1];
  expect(entered).toEqual(["c"]);
  slots.release("a");
  await waiting[0];
  expect(entered).toEqual(["c", "a"]);
});
