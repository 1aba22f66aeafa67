import { expect, test } from "vitest";
import { SkillError } from "../../src/base/errors.ts";
import { Deadline } from "../../src/runner/deadline.ts";
import { Slots } from "../../src/runner/slots.ts";

const soon = () => new Deadline(60_000);

test("acquire lets in first come, first served", async () => {
  const slots = new Slots(1, 10), order: number[] = [];
  await slots.acquire("0", soon());
  const waiting = [1, 2, 3].map((number) =>
    slots.acquire(String(number), soon()).then(() => order.push(number))
  );
  for (const next of waiting) {
    slots.release();
    await next;
  }
  expect(order).toEqual([1, 2, 3]);
  expect(slots.tryAcquire()).toBe(false);
  slots.release();
  expect(slots.tryAcquire()).toBe(true);
});

test("acquire refuses when the line is full", async () => {
  const slots = new Slots(1, 1);
  await slots.acquire("first", soon());
  const second = slots.acquire("second", soon());
  await expect(slots.acquire("third", soon())).rejects.toMatchObject({ code: "queue_full" });
  slots.release();
  await second;
});

test("acquire counts the time in line, and whoever gave up does not take a slot", async () => {
  const slots = new Slots(1, 10);
  await slots.acquire("first", soon());
  await expect(slots.acquire("second", new Deadline(5))).rejects.toMatchObject({ code: "timeout" });
  const controller = new AbortController();
  const third = slots.acquire("third", new Deadline(60_000, controller.signal));
  const fourth = slots.acquire("fourth", soon());
  controller.abort();
  await expect(third).rejects.toMatchObject({ code: "cancelled" });
  slots.release();
  await fourth;
});

test("close sends everybody away, and lets nobody in", async () => {
  const slots = new Slots(1, 10), reason = new SkillError("closed", "over");
  await slots.acquire("first", soon());
  const second = slots.acquire("second", soon());
  slots.close(reason);
  await expect(second).rejects.toBe(reason);
  slots.release();
  await expect(slots.acquire("third", soon())).rejects.toBe(reason);
});
