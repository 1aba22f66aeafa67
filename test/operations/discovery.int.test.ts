import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Embeddings } from "@langchain/core/embeddings";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SkillError } from "../../src/base/errors.ts";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import { openLangChainEmbedder } from "../../src/discovery/langchain-embedder.ts";
import { test as testSkill } from "../../src/operations/lifecycle.ts";
import { perform } from "../../src/operations/perform.ts";
import { search } from "../../src/operations/search.ts";
import { openSkills } from "../../src/skills.ts";
import { TestVectorStore } from "../discovery/memory-vector-store.ts";
import { BagOfWords } from "../discovery/samples.ts";
import { tries } from "../torture.ts";
import { type TemporarySkills, temporarySkills } from "./temporary-skills.ts";

/** LangChain embeddings that count what they are given. */
class BagEmbeddings extends Embeddings {
  readonly bag = new BagOfWords("bag", 4_096);

  constructor() {
    super({});
  }

  async embedDocuments(texts: string[]): Promise<number[][]> {
    return (await this.bag.embed(texts)).map((vector) => [...vector]);
  }

  async embedQuery(text: string): Promise<number[]> {
    return [...await this.bag.embedQuery(text)];
  }
}

const folder = mkdtempSync(join(tmpdir(), "skillwright-found-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Package {
  readonly id: string;
  readonly version?: string;
  readonly description: string;
  readonly more?: string;
  readonly triggers?: readonly object[];
}

/** Writes a package and gives its folder. */
function write({ id, version = "1.0.0", description, more = "", triggers = [] }: Package): string {
  const dir = join(folder, `${id}-${version}-${Math.random().toString(36).slice(2)}`);
  const files: Record<string, string> = {
    "manifest.toml":
      `id = "${id}"\nname = "${id}"\nversion = "${version}"\ndescription = "${description}"\n${more}`,
    "skill.py": '# /// script\n# requires-python = ">=3.9"\n# dependencies = []\n# ///\n' +
      'def invoke(text: str = "") -> str:\n    return text\n',
  };
  if (triggers.length > 0) {
    files["tests/triggers.jsonl"] = triggers.map((line) => JSON.stringify(line)).join("\n");
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

const QUERIES = ["count words of a text", "roman numerals", "weather forecast", "csv"];

describe("the index of a home", () => {
  const IDS = ["alpha", "beta", "gamma"];
  const packages = new Map(IDS.flatMap((id, at) =>
    ["1.0.0", "2.0.0"].map((version): [string, string] => [
      `${id} ${version}`,
      write({ id, version, description: `${QUERIES[(at + version.length + Number(version[0])) % 4]} ${id}` }),
    ])
  ));

  test("after any sequence of lifecycle operations equals a fresh one", async () => {
    const step = fc.record({
      id: fc.constantFrom(...IDS),
      act: fc.constantFrom(
        "install",
        "update",
        "activate",
        "disable",
        "uninstall",
        "quarantine",
        "trigger",
        "rollback",
      ),
      look: fc.boolean(),
    });
    let most = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 9 }), async (steps) => {
        const home = await temporarySkills({ embeddings: { model: new BagEmbeddings(), id: "bag" } });
        const { library, discovery } = home.skills;
        try {
          await discovery.sync();
          for (const { id, act, look } of steps) {
            await change(library, id, act).catch(unlessRefused);
            if (look) await discovery.sync();
          }
          const fresh = createDiscovery({
            dir: join(home.dir, "fresh"),
            source: library,
            embedder: () => openLangChainEmbedder(new BagEmbeddings(), { id: "bag" }),
          });
          for (const query of QUERIES) {
            const grown = await discovery.search(query, { limit: 9 });
            expect(grown).toEqual(await fresh.search(query, { limit: 9 }));
          }
          const { total } = await discovery.search("anything");
          expect(total).toBe((await library.list()).length);
          most = Math.max(most, total);
          await fresh.close();
        } finally {
          await home.close();
        }
      }),
      {
        numRuns: tries(3, 60),
        examples: [[[
          { id: "alpha", act: "update", look: true },
          { id: "beta", act: "install", look: true },
          { id: "alpha", act: "disable", look: true },
          { id: "gamma", act: "update", look: false },
          { id: "beta", act: "uninstall", look: true },
          { id: "beta", act: "install", look: false },
          { id: "gamma", act: "trigger", look: true },
        ]]],
      },
    );
    expect(most).toBe(3);
  });

  async function change(
    library: TemporarySkills["skills"]["library"],
    id: string,
    act: string,
  ): Promise<unknown> {
    switch (act) {
      case "install":
        return await library.install(packages.get(`${id} 1.0.0`) ?? "");
      case "update": {
        await library.install(packages.get(`${id} 2.0.0`) ?? "");
        return await library.activate(id);
      }
      case "activate":
        return await library.activate(id);
      case "disable":
        return await library.disable(id);
      case "uninstall":
        return await library.uninstall(id);
      case "quarantine":
        return await library.quarantine(id, "for the test");
      case "trigger":
        return await library.addTrigger(id, `what ${id} is for`);
      default:
        return await library.rollback(id);
    }
  }

  /** An operation that isn't allowed in that state is part of the game. */
  function unlessRefused(error: unknown): void {
    if (!SkillError.isInstance(error)) throw error;
  }
});

test("a home that is not trusted is searched, and nothing is written into it", async () => {
  const home = await temporarySkills({ embeddings: { model: new BagEmbeddings(), id: "bag" } });
  await home.serve(write({ id: "word_count", description: "Count the words of a text" }));
  const copy = join(folder, "copy");
  cpSync(home.dir, copy, { recursive: true });
  await home.close();
  const store = new TestVectorStore();
  const embeddings = { model: new BagEmbeddings(), id: "bag" };
  const skills = await openSkills({
    dir: copy,
    untrustedDir: true,
    embeddings,
    vectorStore: { store, id: "x" },
  });
  try {
    expect(await skills.search("count words", { all: true })).toMatchObject([{
      id: "word_count",
      status: "pending",
      cosine: expect.any(Number),
    }]);
    expect(await skills.search("count words")).toEqual([]);
    expect(existsSync(join(copy, ".index"))).toBe(false);
    expect(store.rows.size).toBe(0);
  } finally {
    await skills.close();
  }
});

describe("a home with a LangChain vector store", () => {
  test("keeps its vectors there, finds by them, and takes them away with the skill", async () => {
    const store = new TestVectorStore();
    const home = await temporarySkills({
      embeddings: { model: new BagEmbeddings(), id: "bag" },
      vectorStore: { store, id: "mine" },
    });
    try {
      await home.serve(write({ id: "word_count", description: "Count the words of a text" }));
      await home.serve(write({ id: "weather", description: "Weather forecast of a city" }));
      const [best] = await home.skills.search("forecast");
      expect(best).toMatchObject({ id: "weather", cosine: expect.any(Number) });
      expect(store.rows.size).toBe(2);
      await home.skills.library.uninstall("weather");
      expect((await home.skills.search("forecast")).map(({ id }) => id)).toEqual(["word_count"]);
      expect(store.rows.size).toBe(1);
    } finally {
      await home.close();
    }
  });
});

describe("filters and trigger sentences", () => {
  let home: TemporarySkills;
  beforeAll(async () => {
    home = await temporarySkills({ embeddings: { model: new BagEmbeddings(), id: "bag" } });
    await home.serve(
      write({ id: "plain", description: "Words of a page", more: '[metadata]\ntags = ["text", "web"]\n' }),
      write({
        id: "writer",
        description: "Words of a page into a file",
        more: '[metadata]\ntags = ["text"]\n[security.permissions]\nfile_write = ["/tmp"]\n',
      }),
    );
  });
  afterAll(() => home.close());

  const ids = async (filters: object) =>
    (await perform(search, { skills: home.skills, actor: { via: "code" } }, { query: "words", ...filters }))
      .matches.map(({ id }) => id).sort();

  test("search narrows by tags, permissions and tool mode", async () => {
    expect(await ids({})).toEqual(["plain", "writer"]);
    expect(await ids({ tags: ["text"] })).toEqual(["plain", "writer"]);
    expect(await ids({ tags: ["text", "web"] })).toEqual(["plain"]);
    expect(await ids({ permissions: [] })).toEqual(["plain"]);
    expect(await ids({ permissions: ["network_access"] })).toEqual(["plain"]);
    expect(await ids({ permissions: ["file_write"] })).toEqual(["plain", "writer"]);
    expect(await ids({ tool_mode: "read_only" })).toEqual(["plain"]);
    expect(await ids({ tool_mode: "read_write" })).toEqual(["plain", "writer"]);
  });

  test("a skill's test runs the sentences that should and should not find it, and fails when one is wrong", async () => {
    const context = { skills: home.skills, actor: { via: "code" } };
    const good = [{ text: "count all vowels", find: true }, { text: "words of a page", find: false }];
    await home.skills.library.install(
      write({ id: "vowels", description: "Count all vowels", triggers: good }),
    );
    const passing = (await perform(testSkill, context, { id: "vowels" })).report;
    expect(passing).toMatchObject({
      passed: true,
      triggers: [{ status: "passed", rank: 1 }, { status: "passed" }],
    });
    const wrong = [{ text: "words of a page", find: true, top: 1 }];
    await home.skills.library.install(
      write({ id: "vowels", version: "1.1.0", description: "Count all vowels", triggers: wrong }),
    );
    const failing = (await perform(testSkill, context, { id: "vowels" })).report;
    expect(failing).toMatchObject({
      passed: false,
      triggers: [{ status: "failed", message: expect.any(String) }],
    });
    const [candidate] = (await home.skills.library.generations("vowels")).toReversed();
    expect(candidate?.tests?.triggers).toHaveLength(1);
  });

  test("validate names the line of a trigger file that is wrong", async () => {
    const dir = write({
      id: "bad",
      description: "Bad",
      triggers: [{ text: "a", find: true }, { text: "b" }],
    });
    expect(await home.skills.library.validate(dir)).toMatchObject({
      ok: false,
      findings: [{ severity: "error", message: expect.stringContaining('"tests/triggers.jsonl" line 2') }],
    });
  });
});
