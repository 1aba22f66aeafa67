import { Buffer } from "node:buffer";
import { z } from "zod";
import { SkillError, type SkillErrorCode, type SkillErrorValue } from "../../base/errors.ts";
import { canonicalJson, type Json } from "../../base/json.ts";
import type { Example, ExampleResult } from "../test-report.ts";
import { readPackageLines } from "./package-lines.ts";

/** Bounds of examples. */
export const EXAMPLE_BOUNDS: { readonly most: number; readonly fileBytes: number } = {
  most: 1000,
  fileBytes: 4 * 1024 * 1024,
};

const FILE = "tests/examples.jsonl";
const RELATIVE = 1e-4, ABSOLUTE = 1e-3;

/** Errors with which a tool, or its schema, says no. A hang or a crash is no answer. */
const TOOL_ERRORS: ReadonlySet<SkillErrorCode> = new Set(["tool_failed", "invalid_input"]);

const texts = z.record(z.string().min(1).max(500), z.string().max(262_144));

const exampleSchema = z.strictObject({
  tool: z.string().min(1).max(128).optional(),
  input: z.json(),
  expected: z.json().optional(),
  compare: z.enum(["equal", "approx", "subset", "error"]).optional(),
  description: z.string().max(2000).optional(),
  files: texts.optional(),
  artifacts: texts.optional(),
});

/** Checks examples that a caller gave. @throws {SkillError} `invalid_input` */
export function checkExamples(examples: readonly unknown[]): readonly Example[] {
  if (examples.length > EXAMPLE_BOUNDS.most) {
    throw new SkillError(
      "invalid_input",
      `there are ${examples.length} examples, the limit is ${EXAMPLE_BOUNDS.most}`,
    );
  }
  return examples.map((example, index) => checkExample(example, `example ${index + 1}`));
}

/** Reads `tests/examples.jsonl` of a package: one example a line. No file, no examples. @throws {SkillError} `invalid_package` naming the line */
export async function readExamples(packageDir: string): Promise<readonly Example[]> {
  const lines = await readPackageLines(packageDir, FILE, EXAMPLE_BOUNDS);
  return lines.map(({ place, value }) => checkExample(value, place, "invalid_package"));
}

/** What a call came to: its value and the files it left, or the error that it ended with. */
export type ExampleAnswer =
  | { readonly value: Json; readonly artifacts?: Readonly<Record<string, Uint8Array>> }
  | { readonly error: SkillErrorValue };

/** The files of an example as a call takes them. */
export function exampleFiles({ files }: Example): { readonly files?: Readonly<Record<string, Uint8Array>> } {
  if (files === undefined) return {};
  return {
    files: Object.fromEntries(Object.entries(files).map(([path, text]) => [path, Buffer.from(text, "utf8")])),
  };
}

/** Judges what a tool answered. */
export function judgeExample(example: Example, got: ExampleAnswer): ExampleResult {
  if ("error" in got) {
    const passed = example.compare === "error" && TOOL_ERRORS.has(got.error.code);
    return { example, status: passed ? "passed" : "failed", error: got.error };
  }
  const wrong = wrongArtifacts(example, got.artifacts ?? {});
  const passed = wrong === undefined && matches(example, got.value);
  return {
    example,
    status: passed ? "passed" : "failed",
    got: got.value,
    ...(wrong === undefined ? {} : { artifacts: wrong }),
  };
}

/** What came of the expected files that are not what was expected; undefined when all are. */
function wrongArtifacts(
  { artifacts: expected = {}, compare }: Example,
  got: Readonly<Record<string, Uint8Array>>,
): Readonly<Record<string, string | null>> | undefined {
  if (compare === "error") return undefined;
  const wrong = Object.entries(expected).flatMap(([path, text]): [string, string | null][] => {
    const bytes = Object.hasOwn(got, path) ? got[path] : undefined;
    const came = bytes === undefined ? null : Buffer.from(bytes).toString("utf8");
    return came === text ? [] : [[path, came]];
  });
  return wrong.length === 0 ? undefined : Object.fromEntries(wrong);
}

function matches(example: Example, value: Json): boolean {
  const { compare = "equal", expected } = example;
  if (compare === "error") return false;
  // Without an expected value it is enough that the call succeeds.
  if (expected === undefined) return true;
  if (compare === "equal") return canonicalJson(expected) === canonicalJson(value);
  return compare === "approx" ? isNear(expected, value) : isSubset(expected, value);
}

/** Equal, numbers within a tolerance. */
function isNear(expected: Json, value: Json): boolean {
  if (typeof expected === "number" && typeof value === "number") {
    return Math.abs(expected - value) <= Math.max(ABSOLUTE, RELATIVE * Math.abs(expected));
  }
  return sameShape(expected, value, isNear, true);
}

/** What is listed is equal; objects may have more keys. */
function isSubset(expected: Json, value: Json): boolean {
  return sameShape(expected, value, isSubset, false);
}

function sameShape(
  expected: Json,
  value: Json,
  compare: (expected: Json, value: Json) => boolean,
  sameKeys: boolean,
): boolean {
  if (Array.isArray(expected)) {
    return Array.isArray(value) && value.length === expected.length &&
      expected.every((item: Json, index) => compare(item, value[index] as Json));
  }
  if (typeof expected !== "object" || expected === null) return expected === value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const found = value as Readonly<Record<string, Json>>;
  const wanted = Object.entries(expected as Readonly<Record<string, Json>>);
  if (sameKeys && Object.keys(found).length !== wanted.length) return false;
  return wanted.every(([key, item]) => Object.hasOwn(found, key) && compare(item, found[key] as Json));
}

function checkExample(
  example: unknown,
  what: string,
  code: "invalid_input" | "invalid_package" = "invalid_input",
): Example {
  const result = exampleSchema.safeParse(example);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new SkillError(
      code,
      `${what}: ${[issue?.path.join("."), issue?.message].filter(Boolean).join(": ")}`,
      {
        fix: 'write it like {"input": {"number": 4}, "expected": "IV"}',
      },
    );
  }
  return result.data as Example;
}
