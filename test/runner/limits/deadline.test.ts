import { expect, test, vi } from "vitest";
import { Deadline } from "../../../src/runner/limits/deadline.ts";

test("Deadline.watch ends what begins after the caller has already cancelled", async () => {
  const controller = new AbortController();
  const deadline = new Deadline(60_000, controller.signal);
  controller.abort();
  const ended = await new Promise<{ code: string }>((resolve) => {
    const stop = deadline.watch("it", (error) => {
      stop();
      resolve(error);
    });
  });
  expect(ended.code).toBe("cancelled");
});

test("Deadline.watch tells nothing after it was stopped", async () => {
  const controller = new AbortController();
  const deadline = new Deadline(60_000, controller.signal);
  controller.abort();
  const onEnd = vi.fn<() => void>();
  deadline.watch("it", onEnd)();
  await Promise.resolve();
  expect(onEnd).not.toHaveBeenCalled();
});
