import { expect, test } from "vitest";
import type { FoundSkill, FoundSkills } from "../../src/operations/search.ts";
import { shownSkills } from "../../src/tools/found-skills.ts";

function skill(id: string, extra: Partial<FoundSkill> & { readonly schema?: string } = {}): FoundSkill {
  const { schema = "a number", ...rest } = extra;
  const input_schema = { type: "object", properties: { number: { description: schema } } };
  return {
    id,
    name: id,
    description: `Does ${id}`,
    status: "active",
    score: 1,
    cosine: 1,
    lexical: 1,
    related: true,
    matched: id,
    default_tool: "go",
    tools: [{ name: "go", description: "goes", input_schema, idempotent: false }],
    ...rest,
  };
}

const found = (matches: readonly FoundSkill[], more = 0): FoundSkills => ({
  query: "q",
  matches,
  more,
  mode: "hybrid",
});

test("shownSkills keeps the order of the search and shows schemas while there is room", () => {
  const { skills, more } = shownSkills(found([skill("b"), skill("a")], 3), true);
  expect(skills.map((one) => one["skill_name"])).toEqual(["b", "a"]);
  expect(skills[0]?.["tools"]).toMatchObject([{
    name: "go",
    input_schema: { type: "object" },
    default: true,
  }]);
  expect(more).toBe(3);
});

test("shownSkills leaves out schemas from the last skill on, and says so", () => {
  const schema = "x".repeat(2_000);
  const all = ["a", "b", "c", "d", "e"].map((id) => skill(id, { schema }));
  const { skills, more, hint } = shownSkills(found(all), true);
  expect(JSON.stringify(skills).length).toBeLessThanOrEqual(6_000);
  expect(skills.map((one) => one["schemas"])).toEqual([
    undefined,
    undefined,
    "left out",
    "left out",
    "left out",
  ]);
  expect(more).toBe(0);
  expect(hint).toContain("limit 1");
});

test("shownSkills leaves out skills when there is no room for them, and counts them", () => {
  const tools = Array.from({ length: 30 }, (_, at) => ({
    name: `tool_${at}`,
    description: "d".repeat(1_000),
    input_schema: { type: "object" },
    idempotent: false,
  }));
  const all = ["a", "b", "c", "d", "e"].map((id) => skill(id, { tools, default_tool: "tool_20" }));
  const { skills, more, hint } = shownSkills(found(all, 2), true);
  expect(skills.length).toBeLessThan(5);
  expect(more).toBe(2 + 5 - skills.length);
  expect(skills[0]).toMatchObject({ more_tools: 21 });
  expect(JSON.stringify(skills[0])).toContain('"name":"tool_20"');
  expect(hint).toContain("for the others");
});

test("shownSkills shows one skill even where it takes more than the budget, and cuts no pair of surrogates", () => {
  const { skills } = shownSkills(
    found([skill("a", { schema: "x".repeat(9_000), description: `${"a".repeat(299)}😀` })]),
    true,
  );
  expect(skills).toMatchObject([{
    skill_name: "a",
    schemas: "left out",
    description: `${"a".repeat(299)}…`,
  }]);
});

test("shownSkills says that nothing fits, and to make a skill only where that can be done", () => {
  expect(shownSkills(found([]), true).hint).toContain("create_skill");
  expect(shownSkills(found([]), false).hint).not.toContain("create_skill");
});

test("shownSkills says why search went by words only", () => {
  expect(shownSkills({ ...found([]), mode: "lexical", degraded: "no addon" }, true).by_words_only).toBe(
    "no addon",
  );
});

test("shownSkills tells of a skill that is left alone", () => {
  const health = { circuit: "open", failures: 5, retry_in_ms: 900, restarts: 0 } as const;
  const { skills } = shownSkills(found([skill("a", { health }), skill("b")]), true);
  expect(skills.map((one) => one["health"])).toEqual([health, undefined]);
});
