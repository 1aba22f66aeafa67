import { expect, test } from "vitest";
import { buildGenerationPrompt, openRound } from "../../src/graph/maker-prompt.ts";
import { freshState } from "../../src/graph/state.ts";
import { sentText } from "./scripted-maker.ts";

const examples = [{ input: { number: 4 }, expected: "IV" }, {
  input: { number: 0 },
  compare: "error" as const,
}];

test("buildGenerationPrompt holds the intent, the contract and the examples", () => {
  const prompt = buildGenerationPrompt("turn a year into roman numerals", examples);
  for (
    const part of [
      "turn a year into roman numerals",
      "manifest.toml",
      "# /// script",
      'id = "',
      'name = "',
      'version = "',
      'description = "',
      "[[credentials]]",
      "input_schema",
      'serve = "functions"',
      "then plain typed functions",
      "The input object's properties become keyword arguments",
      '{"input":{"number":4},"expected":"IV"}',
      '"expected_error":true',
    ]
  ) {
    expect(prompt).toContain(part);
  }
  expect(buildGenerationPrompt("x").length).toBeLessThan(5_000);
});

test("buildGenerationPrompt names the manifest's fields and both ways to serve", () => {
  const prompt = buildGenerationPrompt("x");
  for (
    const field of ["id", "name", "version", "description", "entry_file", "triggers", "serve", "default_tool"]
  ) {
    expect(prompt).toMatch(new RegExp(`^ +${field} = `, "m"));
  }
  expect(prompt).toMatch(/\[\[credentials\]\] with name, description, required/);
  expect(prompt).toMatch(
    /plain typed functions:[^]*serve = "stdio"[^]*JSON-RPC 2\.0[^]*handshake[^]*invoke[^]*shutdown/,
  );
});

test("openRound shows files so that none can end its fence, and earlier attempts", () => {
  const state = {
    ...freshState("x"),
    files: { "skill.py": "```\nnot the end\n" },
    evidence: "it fails",
    attempts: ["first", "second"],
  };
  const text = sentText(openRound(state));
  expect(text).toContain("````\n```\nnot the end\n````");
  expect(text).toContain("- version 1: first");
  expect(text).not.toContain("version 2: second");
});

test("openRound stays bounded with the largest request and package", () => {
  const many = Array.from(
    { length: 200 },
    (_, index) => ({ input: { text: "x".repeat(1000) }, expected: index }),
  );
  const state = {
    ...freshState("y".repeat(8_000)),
    shown: many,
    files: { "skill.py": "z".repeat(250_000) },
    evidence: "e".repeat(8_000),
  };
  const text = sentText(openRound(state));
  expect(text.length).toBeLessThan(60_000);
  expect(text).toContain("skill.py: 250000 characters, see read_skill_file");
});
