import { expect, test } from "vitest";
import { stringify } from "yaml";
import { generateProposal } from "../../src/graph/generate.ts";
import { clientPackage } from "../../src/graph/source/client-package.ts";
import { readOpenApi } from "../../src/graph/source/openapi.ts";
import { startFrom } from "../../src/graph/source/start-from.ts";
import { readManifest } from "../../src/manifest/manifest.ts";
import { capitals } from "./capitals.ts";
import { memorySkills } from "./memory-library.ts";
import { scriptedMaker, sentText, writes } from "./scripted-maker.ts";

const script = { kind: "script", name: "shout.py" } as const;
const none: ReadonlySet<string> = new Set();

const pet = {
  type: "object",
  required: ["name"],
  properties: {
    name: { type: "string" },
    friends: { type: "array", items: { $ref: "#/components/schemas/Pet" } },
  },
};
const api = {
  openapi: "3.1.0",
  info: { title: 'Pets "R" us\n"""' },
  servers: [{ url: "https://{where}.example.org/v1/", variables: { where: { default: "pets" } } }],
  components: {
    schemas: { Pet: pet },
    securitySchemes: { key: { type: "apiKey", in: "query", name: "api key" } },
  },
  paths: {
    "/pets/{petId}": {
      parameters: [{ name: "petId", in: "path", required: true, schema: { type: "integer" } }],
      get: { operationId: "getPet", summary: "One pet" },
      put: {
        operationId: "get-pet",
        requestBody: {
          required: true,
          content: { "application/json": { schema: { $ref: "#/components/schemas/Pet" } } },
        },
      },
    },
    "/import": {
      get: {
        operationId: "import",
        parameters: [{ name: "class", in: "query", schema: { $ref: "#/nowhere" } }, {
          name: "X-Trace",
          in: "header",
        }],
      },
    },
  },
};

test("a script becomes a package whose tools are its public functions", () => {
  const text = '"""Shout."""\ndef shout(text: str) -> str:\n    return text.upper()\n\ndef _own(): ...\n' +
    "async def later(a): ...\ndef main(): ...\n";
  const { files, origin } = startFrom({ ...script, text }, "shout", none, false);
  expect(readManifest(files["manifest.toml"] ?? "")).toMatchObject({
    ok: true,
    manifest: { id: "shout", default_tool: "shout", tools: [{ name: "shout" }, { name: "later" }] },
  });
  expect(files["skill.py"]).toBe(
    `# /// script\n# requires-python = ">=3.9"\n# dependencies = []\n# ///\n${text}`,
  );
  expect(origin).toContain('"shout.py"');
  const own = '# /// script\n# dependencies = ["httpx"]\n# ///\ndef main(): ...\n';
  expect(startFrom({ ...script, text: own }, "x", new Set(["shout"]), false).files).toMatchObject({
    "skill.py": own,
    "manifest.toml": expect.stringMatching(/^id = "shout_2"\n[^]*name = "main"\n$/),
  });
});

test("readOpenApi gives every operation a name of its own, and closes circles", () => {
  const read = readOpenApi(JSON.stringify(api), "pets.json");
  expect(read).toMatchObject({
    base: "https://pets.example.org/v1",
    host: "pets.example.org",
    key: { where: "query", wire: "api key" },
  });
  expect(read.operations.map(({ name, method }) => `${method} ${name}`)).toEqual([
    "GET get_pet",
    "PUT get_pet_2",
    "GET import_",
  ]);
  expect(read.operations[1]?.parameters).toMatchObject([
    { name: "pet_id", where: "path", required: true, schema: { type: "integer" } },
    { name: "body", schema: { properties: { friends: { type: "array", items: {} } } } },
  ]);
  expect(read.operations[1]?.parameters[1]?.schema).toEqual({
    type: "object",
    required: ["name"],
    properties: { name: { type: "string" }, friends: { type: "array", items: {} } },
  });
  expect(read.operations[2]?.parameters).toMatchObject([
    { name: "class_", wire: "class", schema: {} },
    { name: "x_trace", wire: "X-Trace", where: "header", required: false },
  ]);
});

test("readOpenApi reads YAML, and the same package comes of it", () => {
  const described = {
    ...api,
    paths: {
      ...api.paths,
      "/days": {
        get: {
          parameters: [{
            name: "day",
            in: "query",
            schema: { type: "string", enum: ["no", "2026-01-01", "1_000"], minLength: 2 },
          }],
          responses: { 200: { description: "a day" } },
        },
      },
    },
  };
  // plain text where YAML allows it: what older readers take for a truth value, a date or a number
  const yaml = stringify(described);
  expect(yaml).toContain("- no\n");
  expect(yaml).toContain("- 2026-01-01\n");
  const packageOf = (text: string): unknown =>
    startFrom({ kind: "openapi", name: "pets", text }, "find pets", none, false).files;
  const made = packageOf(JSON.stringify(described));
  expect(Object.keys(made as object)).toEqual(["manifest.toml", "skill.py"]);
  expect(packageOf(yaml)).toEqual(made);
  expect(packageOf(`\uFEFF# Pets\r\n---\r\n${yaml.replaceAll("\n", "\r\n")}`)).toEqual(made);
  expect(packageOf(`\uFEFF ${JSON.stringify(described)}`)).toEqual(made);
});

test.each([
  ["broken JSON", '{"openapi": "3.0.0"'],
  ["broken YAML", "openapi: 3.0.0\npaths: {"],
  ["a description that is too long", `openapi: ${" ".repeat(3 << 20)}`],
  ["another kind of file", "{}"],
  ["no server", JSON.stringify({ ...api, servers: [] })],
  ["a server in a file", JSON.stringify({ ...api, servers: [{ url: "file:///etc" }] })],
  ["no operation", JSON.stringify({ ...api, paths: {} })],
])("readOpenApi refuses %s", (_what, text) => {
  expect(() => readOpenApi(text, "pets.json")).toThrow(/pets\.json/);
});

test("clientPackage has a tool an operation, leave for that host alone, and the key as a credential", () => {
  const files = clientPackage(readOpenApi(JSON.stringify(api), "pets.json"), {
    id: "pets",
    intent: "find pets",
  });
  expect(readManifest(files["manifest.toml"] ?? "")).toMatchObject({
    ok: true,
    manifest: {
      id: "pets",
      default_tool: "get_pet",
      credentials: [{ name: "API_KEY", required: true }],
      security: {
        permissions: { network_access: ["pets.example.org"], file_write: [], process_spawn: false },
      },
    },
  });
  expect(files["skill.py"]).toContain('"/pets/" + _part(pet_id)');
  expect(files["skill.py"]).toContain('query={"class": class_}, headers={"X-Trace": x_trace}');
});

test("a description that rules cannot read is for the maker, and without one the run fails", async () => {
  const source = { kind: "openapi", name: "pets.yaml", text: "openapi: 3.0.0\npaths: a: b\n" } as const;
  const model = scriptedMaker(
    writes({ "manifest.toml": 'id = "capitals"\nversion = "1.0.0"\n', "skill.py": "upper" }),
    "done",
  );
  const skills = memorySkills(capitals);
  expect(await generateProposal({ skills, model }, { intent: "find pets", source })).toMatchObject({
    outcome: "proposed",
  });
  expect(sentText(model.calls[0]?.messages ?? [])).toContain("openapi: 3.0.0\npaths: a: b");
  expect(await generateProposal({ skills }, { intent: "find cats", source })).toMatchObject({
    outcome: "failed",
    code: "invalid_input",
    reason: expect.stringContaining('"pets.yaml" line 2, column 8: not valid YAML'),
    fix: 'Write text that holds ": " in quotes: paths: a: b',
  });
});

test.each([
  [{ kind: "script", name: "x.py", text: "" }],
  [{ kind: "binary", name: "x", text: "x" }],
  [{ kind: "script", name: "x.py", text: "x".repeat(300_000) }],
  ["./x.py"],
])("a source %j is refused as an input", async (source) => {
  const outcome = await generateProposal({ skills: memorySkills(capitals) }, {
    intent: "x y",
    source: source as never,
  });
  expect(outcome).toMatchObject({ outcome: "failed", code: "invalid_input" });
});
