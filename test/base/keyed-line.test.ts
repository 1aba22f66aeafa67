import { expect, test } from "vitest";
import { KeyedLine } from "../../src/base/keyed-line.ts";

test("KeyedLine runs works of one key one after the other, and other keys meanwhile", async () => {
  const line = new KeyedLine(), seen: string[] = [];
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const first = line.run("a", async () => {
    seen.push("a1 begins");
    await held;
    seen.push("a1 ends");
  });
  const second = line.run("a", () => Promise.resolve(seen.push("a2")));
  await line.run("b", () => Promise.resolve(seen.push("b")));
  release();
  await Promise.all([first, second]);
  expect(seen).toEqual(["a1 begins", "b", "a1 ends", "a2"]);
});

test("KeyedLine goes on after a work that failed", async () => {
  const line = new KeyedLine();
  const failing = line.run("a", () => Promise.reject(new Error("broken")));
  const next = line.run("a", () => Promise.resolve("next"));
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("next");
});
