import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { OverlappingLog } from "../../../src/runner/logs/overlapping-log.ts";

const MARK = "\0mark\0";

function framed(call: number, text: string): string {
  return `${MARK}${call}\0${text}${MARK}0\0`;
}

test("gives each call what stands behind its marks, however they are cut, and the rest to nobody", () => {
  const text = `C code\n${framed(1, "one\n")}${framed(2, "two\n")}child${framed(1, "more\n")}${
    framed(12, "é")
  }`;
  const bytes = Buffer.from(text);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 }), (cuts) => {
      const heard: string[] = [];
      const log = new OverlappingLog(1000, MARK, (part) => void heard.push(part));
      for (const call of [1, 2, 12]) log.begin(call);
      const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      for (const [index, edge] of edges.entries()) log.push(bytes.subarray(edges[index - 1] ?? 0, edge));
      expect([1, 2, 12, 3].map((call) => log.text(call))).toEqual(["one\nmore\n", "two\n", "é", ""]);
      expect(log.text()).toBe("C code\none\ntwo\nchildmore\né");
      expect(heard.join("")).toBe(log.text());
      expect(log.marks).toBe(8);
    }),
  );
});

test("a mark without a number gives what follows to nobody, and memory stays bounded", () => {
  const log = new OverlappingLog(100, MARK);
  log.begin(1);
  log.push(Buffer.from(`${MARK}not a number\0lost${MARK}${"9".repeat(10_000)}`));
  log.push(Buffer.from(`x\0${framed(1, "y".repeat(10_000))}`));
  expect(log.text(1).length).toBeLessThan(200);
  expect(log.text(1)).toMatch(/^y+\n… 9900 bytes left out …\ny+$/);
});

test("a call that is over, or never was, keeps nothing", () => {
  const log = new OverlappingLog(100, MARK);
  log.begin(1);
  log.note("a line", 1);
  expect(log.text(1)).toBe("a line\n");
  log.end(1);
  log.note("a late line", 1);
  expect([log.text(1), log.text(7)]).toEqual(["", ""]);
});
