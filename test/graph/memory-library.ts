import { parse } from "smol-toml";
import { digestFiles } from "../../src/base/digest.ts";
import { SkillError } from "../../src/base/errors.ts";
import type { Json } from "../../src/base/json.ts";
import { DEFAULT_SETTINGS } from "../../src/lifecycle/storage/settings.ts";
import { judgeExample } from "../../src/lifecycle/validation/examples.ts";
import type { SkillLibrary } from "../../src/lifecycle/skill-library.ts";
import type { Generation, SkillInfo, SkillStatus } from "../../src/lifecycle/types.ts";
import type { Finding, Permissions, PythonManifest } from "../../src/manifest/types.ts";
import type { MakingEntry } from "../../src/observe/history.ts";
import type { GraphSkills } from "../../src/graph/types.ts";
import type { ExampleResult } from "../../src/lifecycle/test-report.ts";
import type { PackageFiles } from "../../src/lifecycle/packages/package-text.ts";
import type { SkillProposal } from "../../src/lifecycle/changes/proposals.ts";

/** What a package's tools do, read off its files: the stand-in for Python in tests of the graph's course alone. */
export type Behaviour = (files: PackageFiles, tool: string, input: Json) => Json;

interface Entry {
  readonly files: PackageFiles;
  readonly manifest: PythonManifest;
  readonly digest: string;
  status: SkillStatus;
}

/** A library in memory for tests of the graph's course: no processes, no files. What it did is in `log`. */
export function memorySkills(
  behave: Behaviour,
): GraphSkills & { readonly log: string[]; readonly staged: Map<string, PackageFiles> } {
  const log: string[] = [];
  const staged = new Map<string, PackageFiles>();
  const generations = new Map<string, Entry[]>();
  const proposals = new Map<string, SkillProposal>();
  const triggers = new Map<string, string[]>();
  const makings = new Map<string, MakingEntry>();
  const serving = (id: string): Entry | undefined =>
    generations.get(id)?.find((entry) => entry.status === "active");
  const candidate = (id: string): Entry | undefined =>
    generations.get(id)?.findLast((entry) => entry.status === "pending" || entry.status === "testing");
  const info = (id: string): SkillInfo => {
    const entry = serving(id) ?? generations.get(id)?.at(-1);
    if (entry === undefined) throw new SkillError("not_found", `no skill "${id}"`);
    const show = (one: Entry | undefined): SkillInfo["serving"] =>
      one === undefined ? null : {
        version: one.manifest.version,
        slot: "A",
        digest: one.digest,
        status: one.status,
        last_error: null,
      };
    const { name, version, description, tools, security } = entry.manifest;
    return {
      id,
      name,
      version,
      status: entry.status,
      last_error: null,
      description,
      tools,
      default_tool: tools[0]?.name ?? "invoke",
      permissions: security.permissions,
      serving: show(serving(id)),
      candidate: show(candidate(id)),
    };
  };
  const filesOf = (key: string): PackageFiles => {
    const files = staged.get(key);
    if (files === undefined) throw new SkillError("not_found", `nothing is staged as ${key}`);
    return files;
  };
  const judge = (files: PackageFiles, example: ExampleResult["example"]): ExampleResult => {
    try {
      return judgeExample(example, { value: behave(files, example.tool ?? "invoke", example.input) });
    } catch (error) {
      return judgeExample(example, {
        error: SkillError.from(error, "tool_failed", "the tool failed").toValue(),
      });
    }
  };
  const library: Partial<SkillLibrary> = {
    dir: "/memory",
    revision: () => Promise.resolve(log.length),
    documents: () =>
      Promise.resolve([...generations.keys()].map((id) => {
        const { name, description } = info(id);
        return { id, name, description, triggers: triggers.get(id) ?? [], body: "", facets: {} };
      })),
    list: () => Promise.resolve([...generations.keys()].map(info)),
    info: async (id) => await Promise.resolve(info(id)),
    files: (id) => Promise.resolve((serving(id) ?? generations.get(id)?.at(-1))?.files ?? {}),
    generations: (id) =>
      Promise.resolve(
        (generations.get(id) ?? []).map(({ digest, manifest }) =>
          ({ digest, version: manifest.version }) as Generation
        ),
      ),
    stage: (files) => {
      const digest = digestFiles(
        Object.entries(files).map(([path, bytes]) => ({ path, bytes, executable: false })),
      );
      staged.set(digest, files);
      return Promise.resolve({ key: digest, dir: `/memory/${digest}`, digest });
    },
    validate: (dir) => Promise.resolve(validate(filesOf(dir.slice("/memory/".length)))),
    build: async (key) => {
      filesOf(key);
      return await Promise.resolve({
        key,
        dir: `/memory/${key}`,
        digest: key,
        build: key,
        findings: [],
        resolved: {} as never,
      });
    },
    testBuild: async ({ key }, { examples = [], onResult } = {}) => {
      log.push("test");
      const given = examples.map((example) => judge(filesOf(key), example));
      for (const result of given) onResult?.(result);
      return await Promise.resolve({
        passed: given.every((result) => result.status === "passed"),
        handshake: { ok: true },
        cases: [],
        examples: [],
        given,
        health: null,
        logs: "",
        ms: 1,
      });
    },
    discard: (key) => {
      staged.delete(key);
      return Promise.resolve();
    },
    installStaged: async (key, options) => {
      const files = filesOf(key);
      const { manifest } = validate(files);
      if (manifest === undefined) throw new SkillError("invalid_manifest", "no manifest");
      const list = generations.get(manifest.id) ?? [];
      if (list.some((entry) => entry.digest === key)) return await Promise.resolve(info(manifest.id));
      log.push(`install ${manifest.id}`);
      list.push({ files, manifest, digest: key, status: "pending" });
      generations.set(manifest.id, list);
      triggers.set(manifest.id, [...(triggers.get(manifest.id) ?? []), ...(options?.triggers ?? [])]);
      return await Promise.resolve(info(manifest.id));
    },
    test: (id) => {
      const entry = candidate(id);
      if (entry !== undefined) entry.status = "testing";
      const passed = {
        passed: true,
        handshake: { ok: true },
        cases: [],
        examples: [],
        given: [],
        health: null,
      };
      return Promise.resolve({ ...passed, logs: "", ms: 1 });
    },
    activate: (id) => {
      const old = serving(id), entry = candidate(id);
      if (entry === undefined) return Promise.resolve(info(id));
      if (old !== undefined) old.status = "disabled";
      entry.status = "active";
      log.push(`activate ${id}`);
      return Promise.resolve(info(id));
    },
    addTrigger: (id, sentence) => {
      triggers.set(id, [...new Set([...(triggers.get(id) ?? []), sentence])]);
      return Promise.resolve();
    },
    noteReuse: (id) => {
      log.push(`reuse ${id}`);
      return Promise.resolve();
    },
    noteMaking: (entry) => void makings.set(entry.id, entry),
    makings: () => Promise.resolve([...makings.values()].toReversed()),
    run: async (id, input, options) => {
      log.push(`run ${id}`);
      const entry = serving(id);
      if (entry === undefined) throw new SkillError("not_active", `"${id}" is not active`);
      const tool = options?.tool ?? info(id).default_tool;
      const value = behave(entry.files, tool, input);
      return await Promise.resolve(
        { value, tool, skill_id: id, artifacts: {}, logs: "", usage: { wall_ms: 1 } } as never,
      );
    },
    propose: (proposal) => {
      const id = `p${proposals.size + 1}`;
      const full: SkillProposal = { ...proposal, id, status: "pending", created_at: 0 };
      proposals.set(id, full);
      log.push(`propose ${id}`);
      return Promise.resolve(full);
    },
    proposal: async (id) => {
      const found = proposals.get(id);
      if (found === undefined) throw new SkillError("not_found", `no proposal "${id}"`);
      const done = found.status === "approved" &&
        generations.get(found.skill_id)?.some((one) => one.digest === found.digest);
      return await Promise.resolve(done === true ? { ...found, status: "installed" } : found);
    },
    proposals: ({ status } = {}) =>
      Promise.resolve([...proposals.values()].filter((one) => status === undefined || one.status === status)),
    decide: async (id, { approved, digest }) => {
      const found = proposals.get(id);
      if (found?.status !== "pending") {
        throw new SkillError("proposal_decided", `proposal "${id}" is decided`);
      }
      if (found.digest !== digest) throw new SkillError("digest_mismatch", "other bytes");
      const decided: SkillProposal = { ...found, status: approved ? "approved" : "rejected" };
      proposals.set(id, decided);
      return await Promise.resolve(decided);
    },
  };
  return {
    log,
    staged,
    library: library as SkillLibrary, // what the graph does not call is not here
    settings: DEFAULT_SETTINGS,
    discovery: {
      search: (_query, { filter } = {}) => {
        const ids = [...generations.keys()].filter((id) =>
          filter?.({ id, name: id, description: "", triggers: [], body: "", facets: {} }) ?? true
        );
        const matches = ids.map((id) => ({
          id,
          score: 0.5,
          cosine: 0.5,
          lexical: 0.5,
          related: true,
          matched: id,
        }));
        return Promise.resolve({ matches, total: ids.length, related: ids.length, mode: "hybrid" });
      },
      sync: () => {
        log.push("sync");
        return Promise.resolve();
      },
      rebuild: () => Promise.resolve(),
      trial: () => Promise.resolve({ places: [] }),
      duplicates: () => Promise.resolve({ pairs: [], more: 0, mode: "hybrid" }),
      probe: () => Promise.resolve({ ok: true, model: "none" }),
      close: () => Promise.resolve(),
    },
  };
}

const NO_PERMISSIONS: Permissions = {
  network_access: false,
  file_read: [],
  file_write: [],
  process_spawn: false,
};

function validate(
  files: PackageFiles,
): { ok: boolean; findings: Finding[]; manifest?: PythonManifest; dependencies?: string[] } {
  const problem = (message: string, file: string): Finding => ({
    severity: "error",
    rule: "memory/missing",
    message,
    file,
  });
  let data: Record<string, unknown>;
  try {
    data = parse(files["manifest.toml"] ?? "");
  } catch (error) {
    return { ok: false, findings: [problem((error as Error).message, "manifest.toml")] };
  }
  if (typeof data["id"] !== "string") {
    return { ok: false, findings: [problem("id is missing", "manifest.toml")] };
  }
  const security = (data["security"] ?? {}) as { permissions?: Partial<Permissions> };
  const manifest = {
    type: "python",
    entry_file: "skill.py",
    version: "1.0.0",
    name: data["id"],
    description: "",
    credentials: [],
    tools: [],
    ...data,
    security: { permissions: { ...NO_PERMISSIONS, ...security.permissions }, resource_limits: {} },
  } as unknown as PythonManifest;
  const findings = files["skill.py"] === undefined ? [problem("skill.py is missing", "skill.py")] : [];
  return { ok: findings.length === 0, findings, manifest, dependencies: [] };
}
