import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ProcessLog } from "../../../src/runner/logs/process-log.ts";

const MARK = "\0mark\0";

test("takes out and counts the marks, however they are cut, and keeps the rest", () => {
  const text = `one\n\0two${MARK}\0ma${MARK}${MARK}three\0`;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 8 }), (cuts) => {
      const heard: string[] = [];
      const log = new ProcessLog(1000, MARK, (part) => void heard.push(part));
      const edges = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      for (const [index, edge] of edges.entries()) {
        log.push(Buffer.from(text.slice(edges[index - 1] ?? 0, edge)));
      }
      expect(log.text()).toBe("one\n\0two\0mathree\0");
      expect(heard.join("")).toBe("one\n\0two\0mathree\0");
      expect(log.marks).toBe(3);
    }),
  );
});

test("until waits for a mark, but not for ever", async () => {
  const log = new ProcessLog(1000, MARK);
  await log.until(1, 1);
  const waiting = log.until(1, 60_000);
  log.push(Buffer.from(MARK));
  await waiting;
  await log.until(1, 60_000);
  expect(log.marks).toBe(1);
});

test("passes whole lines on, a character that is cut in two included", () => {
  const heard: string[] = [];
  const log = new ProcessLog(1000, MARK, (part) => void heard.push(part));
  const bytes = Buffer.from("é\nsecond");
  log.push(bytes.subarray(0, 1));
  log.push(bytes.subarray(1));
  expect(heard).toEqual(["é\n"]);
  log.text();
  expect(heard).toEqual(["é\n", "second"]);
});
