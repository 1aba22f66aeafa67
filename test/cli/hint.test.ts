import { expect, test } from "vitest";
import { hintFor } from "../../src/cli/hint.ts";

test("hintFor gives each command of ours the home that was chosen, as a shell takes it", () => {
  expect(hintFor("skillwright approve 1; skillwright secrets set A --skill b", "./home")).toBe(
    "skillwright approve --dir ./home 1; skillwright secrets set --dir ./home A --skill b",
  );
  expect(hintFor("write it: skillwright lock", "/my homes/it's")).toBe(
    String.raw`write it: skillwright lock --dir '/my homes/it'\''s'`,
  );
});

test("hintFor leaves alone what takes no home, names one, or is no command", () => {
  for (
    const text of [
      "skillwright trust ./home",
      "skillwright list --dir ./other",
      "use the version of skillwright that wrote it",
      "skillwright run-time",
    ]
  ) expect(hintFor(text, "./home")).toBe(text);
});

test("hintFor changes nothing when no home was chosen", () => {
  expect(hintFor("skillwright list", undefined)).toBe("skillwright list");
});
