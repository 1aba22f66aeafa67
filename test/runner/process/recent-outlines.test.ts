import { expect, test } from "vitest";
import { RecentOutlines } from "../../../src/runner/process/recent-outlines.ts";
import type { ScriptSyntaxError } from "../../../src/runner/types.ts";

const program = { interpreter: "/usr/bin/python3" };
const outline = (message: string): ScriptSyntaxError => ({ syntax_error: { line: 1, message } });

test("an outline is made once for the same text and interpreter, and anew for another", async () => {
  const outlines = new RecentOutlines();
  let made = 0;
  const make = (): Promise<ScriptSyntaxError> => Promise.resolve(outline(String(++made)));
  const first = await outlines.get(program, "a", make);
  expect(await outlines.get(program, "a", make)).toBe(first);
  expect(await outlines.get(program, "b", make)).toEqual(outline("2"));
  expect(await outlines.get({ interpreter: "/usr/bin/python3.12" }, "a", make)).toEqual(outline("3"));
});

test("an outline that could not be made is tried again", async () => {
  const outlines = new RecentOutlines();
  await expect(outlines.get(program, "a", () => Promise.reject(new Error("no process")))).rejects.toThrow(
    "no process",
  );
  expect(await outlines.get(program, "a", () => Promise.resolve(outline("a")))).toEqual(outline("a"));
});

test("of many outlines the last eight that were asked for are kept", async () => {
  const outlines = new RecentOutlines();
  let made = 0;
  const ask = (text: string): Promise<unknown> =>
    outlines.get(program, text, () => Promise.resolve(outline(String(++made))));
  for (const text of ["0", "1", "2", "3", "4", "5", "6", "7", "0", "8"]) await ask(text);
  expect(made).toBe(9);
  await ask("0");
  expect(made).toBe(9);
  await ask("1");
  expect(made).toBe(10);
});
