import { afterAll, beforeAll, expect, test } from "vitest";
import type { OpenedLibrary } from "../../../src/lifecycle/library.ts";
import { type TestHome, testHome } from "../support/open-home.ts";
import type { Example, ProbeResult, TestReport } from "../../../src/lifecycle/test-report.ts";

let home: TestHome, library: OpenedLibrary;
beforeAll(async () => {
  home = testHome();
  library = await home.open();
});
afterAll(() => home.close());

/** Tests a skill of one tool. */
async function tried(
  { tool, code, more = "" }: { readonly tool: string; readonly code: string; readonly more?: string },
  examples: readonly Example[],
  told?: number,
): Promise<TestReport> {
  const { key } = await library.stage({
    "manifest.toml":
      `id = "s"\nname = "S"\nversion = "1.0.0"\ndescription = "A skill"\n[[tools]]\nname = "${tool}"\n${more}`,
    "skill.py": code,
  });
  const report = await library.testBuild(await library.build(key), {
    examples,
    ...(told === undefined ? {} : { told }),
  });
  await library.discard(key);
  return report;
}

const failed = ({ probes = [] }: TestReport): readonly string[] =>
  probes.filter(({ status }) => status === "failed").map(({ what, message = "" }) => `${what}: ${message}`);
const repeats = ({ probes = [] }: TestReport): readonly ProbeResult[] =>
  probes.filter(({ probe }) => probe === "repeat");

const TEXT =
  'input_schema = { type = "object", properties = { text = { type = "string" } }, required = ["text"] }\n';
const ABC: readonly Example[] = [{ input: { text: "abc" }, expected: "a" }];

test("testBuild finds slips of the code that no example asks for, and lets refusals in words be", async () => {
  const slips = await tried(
    { tool: "first", code: "def first(text: str) -> str:\n    return text[0]\n", more: TEXT },
    ABC,
    1,
  );
  expect(slips.passed).toBe(false);
  expect(failed(slips)).toEqual([
    '"text" is empty: ends in IndexError instead of an error that says what is wrong',
  ]);
  const code =
    "def first(text: str) -> str:\n    if not text:\n        raise TypeError('text must not be empty')\n    return text[0]\n";
  const careful = await tried({ tool: "first", code, more: TEXT }, ABC, 1);
  expect(failed(careful)).toEqual([]);
  expect(careful.passed).toBe(true);
  expect(careful.probes?.length).toBeGreaterThan(5);
});

test("testBuild holds a tool without schema to clear errors as well", async () => {
  const code = 'def invoke(input):\n    return input["text"].upper()\n';
  const report = await tried({ tool: "invoke", code }, [{ input: { text: "a" }, expected: "A" }], 1);
  expect(failed(report)).toEqual([
    "an empty object: ends in KeyError instead of an error that says what is wrong",
    '"text" is a number: ends in AttributeError instead of an error that says what is wrong',
    '"text" is null: ends in AttributeError instead of an error that says what is wrong',
  ]);
});

test("testBuild notes what is not the same in a fresh process, and fails what is declared pure", async () => {
  const words = "one two three four five six seven eight nine ten".split(" ");
  const code = "def order(words: list) -> list:\n    return list(set(words))\n";
  const examples: readonly Example[] = [{ input: { words } }];
  const noted = await tried({ tool: "order", code }, examples, 1);
  expect(noted.passed).toBe(true);
  expect(repeats(noted)).toMatchObject([{
    status: "noted",
    message: expect.stringContaining("in a fresh process"),
  }]);
  const pure = await tried({ tool: "order", code, more: "pure = true\n" }, examples, 1);
  expect(pure.passed).toBe(false);
  expect(repeats(pure)).toMatchObject([{ status: "failed" }]);
  const sorted = code.replace("list(set", "sorted(set");
  expect(repeats(await tried({ tool: "order", code: sorted, more: "pure = true\n" }, examples, 1)))
    .toMatchObject([
      { status: "passed" },
    ]);
});

test("testBuild takes a limit that an odd input hits for no slip, and goes on", async () => {
  const code = "def grow(times: int) -> int:\n    return len('x' * (1000 if times < 9 else 10 ** 15))\n";
  const schema =
    'input_schema = { type = "object", properties = { times = { type = "integer" } }, required = ["times"] }\n';
  const report = await tried(
    { tool: "grow", code, more: schema },
    [{ input: { times: 2 }, expected: 1000 }],
    1,
  );
  expect(report.probes).toContainEqual(expect.objectContaining({ what: "a property too many" }));
  expect(report.passed).toBe(true);
});

test("testBuild calls a skill that acts outside of itself no more than it is asked to", async () => {
  const code = "def act(text: str = '') -> str:\n    print('called')\n    return text[0]\n";
  const acts = "[security.permissions]\nfile_write = ['/tmp/x']\n";
  const report = await tried({ tool: "act", code, more: `${TEXT}${acts}` }, ABC, 1);
  expect(report.passed).toBe(true);
  expect(repeats(report)).toEqual([]);
  const pure = await tried({ tool: "act", code, more: `${TEXT}pure = true\n${acts}` }, ABC, 1);
  expect(failed(pure)).toHaveLength(1);
});

test("testBuild tells nothing of examples that must not be told, and keeps what they print to themselves", async () => {
  const code = "def first(text: str) -> str:\n    print('seen ' + text)\n    return text[0]\n";
  const secret: Example = { input: { text: "hidden" }, expected: "x" };
  const report = await tried({ tool: "first", code, more: TEXT }, [...ABC, secret], 1);
  expect(report.given[1]).toMatchObject({ status: "failed", log: "seen hidden\n" });
  expect(JSON.stringify(report.probes)).not.toContain("hidden");
  expect(report.logs).not.toContain("hidden");
  expect((await tried({ tool: "first", code, more: TEXT }, ABC)).probes).toBeUndefined();
});
