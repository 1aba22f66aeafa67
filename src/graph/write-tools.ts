import type { ToolDefinition } from "@langchain/core/language_models/base";
import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import type { GraphContext } from "./config.ts";
import { cut, describeError, describeFindings, describeTests } from "./evidence.ts";
import { applyDiff, replaceOnce } from "./edit-file.ts";
import { diffFiles } from "./file-diff.ts";
import { ARGUMENT_PROBLEM } from "./maker-reply.ts";
import { packagePath, withFile } from "./package-files.ts";
import { checkStaged, stageFiles, tryStaged } from "./staging.ts";
import type { StagedFiles } from "./state.ts";
import type { ReuseCandidate } from "./types.ts";
import type { Example, ExampleResult } from "../lifecycle/test-report.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";

/** Characters of a tool's answer to the maker. */
const MOST_ANSWER = 12_000;

/** What the tools work on: the files of the state, and the folder that was last made from them. */
export interface Draft {
  readonly files: PackageFiles;
  readonly staged: StagedFiles | null;
}

/** What a tool may look at besides the draft. Held-back examples are not among it. */
export interface ToolScope {
  readonly context: GraphContext;
  readonly shown: readonly Example[];
  readonly candidates: readonly ReuseCandidate[];
  readonly signal: AbortSignal | undefined;
  /** Told of each folder that is made. */
  readonly onStaged?: (staged: StagedFiles) => void;
  /** Told of each example as it was tried. */
  readonly onResult?: (result: ExampleResult) => void;
}

/** The answer to one call. */
export interface ToolReply {
  readonly draft: Draft;
  readonly text: string;
  readonly ok: boolean;
}

interface WriteTool {
  readonly description: string;
  readonly schema: z.ZodType;
  /** Checks the arguments, then runs. */
  readonly call: (draft: Draft, args: unknown, scope: ToolScope) => Promise<ToolReply>;
}

const nothing = z.object({});

const writeSkillFile = writeTool({
  description:
    "Write a text file of the skill: manifest.toml, skill.py, tests/…; the whole content, replacing what was there",
  schema: z.object({ path: z.string().describe("relative path, like skill.py"), content: z.string() }),
  run: (draft, { path, content }) => {
    const files = withFile(draft.files, path, content);
    const lines = content.split("\n").length;
    return { draft: { ...draft, files }, ok: true, text: `wrote ${packagePath(path)}, ${lines} lines` };
  },
});

const editSkillFile = writeTool({
  description:
    "Change a part of a file that is there: replace old (exact text that stands there once) by new, or give a unified diff",
  schema: z.object({
    path: z.string(),
    old: z.string().optional().describe("exact text, blanks included"),
    new: z.string().optional(),
    diff: z.string().optional().describe("instead of old and new: hunks like @@ -3,4 +3,5 @@"),
  }),
  run: (draft, { path, old, new: fresh, diff }) => {
    const clean = packagePath(path);
    const before = fileOf(draft.files, clean);
    if (diff === undefined && (old === undefined || fresh === undefined)) {
      throw new SkillError("invalid_input", "neither old and new nor a diff was given");
    }
    const after = diff === undefined ? replaceOnce(before, old ?? "", fresh ?? "") : applyDiff(before, diff);
    if (after === before) {
      throw new SkillError("invalid_input", `the edit leaves ${JSON.stringify(clean)} as it is`);
    }
    const files = withFile(draft.files, clean, after);
    return {
      draft: { ...draft, files },
      ok: true,
      text: `edited:\n${diffFiles({ [clean]: before }, { [clean]: after })}`,
    };
  },
});

const readSkillFile = writeTool({
  description:
    "Read a file that you wrote; with skill_id, a file of one of the existing skills you were shown",
  schema: z.object({ path: z.string(), skill_id: z.string().optional() }),
  run: async (draft, { path, skill_id }, { context, candidates }) => {
    if (skill_id !== undefined && !candidates.some((candidate) => candidate.skill_id === skill_id)) {
      throw new SkillError(
        "not_found",
        `you were not shown a skill ${JSON.stringify(skill_id.slice(0, 80))}`,
      );
    }
    const files = skill_id === undefined ? draft.files : await context.skills.library.files(skill_id);
    return { draft, ok: true, text: cut(fileOf(files, packagePath(path)), MOST_ANSWER) };
  },
});

/** @throws {SkillError} `not_found`, naming the files that are there */
function fileOf(files: PackageFiles, path: string): string {
  const text = Object.hasOwn(files, path) ? files[path] : undefined;
  if (text !== undefined) return text;
  const there = Object.keys(files).sort().slice(0, 50).join(", ") || "none";
  throw new SkillError("not_found", `there is no file ${JSON.stringify(path)}`, {
    fix: `the files are: ${there}`,
  });
}

const validateManifest = writeTool({
  description: "Check manifest.toml",
  schema: nothing,
  run: (draft, _args, scope) => check(draft, scope, (file) => file === undefined || file === "manifest.toml"),
});

const validateScript = writeTool({
  description: "Check skill.py: PEP 723 header, syntax, functions against the manifest's tools, imports",
  schema: nothing,
  run: (draft, _args, scope) => check(draft, scope, (file) => file !== "manifest.toml"),
});

const runTests = writeTool({
  description: "Build the skill and run it in the sandbox: start, your tests, the examples you were shown",
  schema: nothing,
  run: async (draft, _args, scope) => {
    const { library } = scope.context.skills;
    const staged = await stageFiles(library, draft.files, draft.staged, scope.onStaged);
    const next = { ...draft, staged };
    const { findings, checked } = await checkStaged(scope.context, staged, scope.candidates);
    if (checked === null) return { draft: next, ok: false, text: describeFindings(findings) };
    const tried = await tryStaged(library, staged, scope.shown, scope.signal, {
      onResult: scope.onResult,
      told: scope.shown.length,
    });
    const text = tried.tests === null
      ? [describeFindings(tried.findings), tried.error === undefined ? "" : describeError(tried.error)].join(
        "\n",
      ).trim()
      : describeTests(tried.tests, scope.shown.length);
    return { draft: next, ok: tried.tests?.passed === true, text };
  },
});

const TOOLS: ReadonlyMap<string, WriteTool> = new Map([
  ["write_skill_file", writeSkillFile],
  ["edit_skill_file", editSkillFile],
  ["read_skill_file", readSkillFile],
  ["validate_manifest", validateManifest],
  ["validate_script", validateScript],
  ["run_tests", runTests],
]);

/** The maker's tools, as chat models take them. */
export function writeToolDefinitions(): readonly ToolDefinition[] {
  return [...TOOLS].map(([name, { description, schema }]) => {
    const { $schema: _, ...parameters } = z.toJSONSchema(schema);
    return { type: "function", function: { name, description, parameters } };
  });
}

/**
 * Runs one call of the maker. Whatever it asks for, the answer is a text it can act on.
 *
 * @throws {SkillError} only for what no other call would cure: a home that cannot be written, no sandbox
 */
export async function runWriteTool(
  draft: Draft,
  name: string,
  args: unknown,
  scope: ToolScope,
): Promise<ToolReply> {
  const tool = TOOLS.get(name);
  const refuse = (text: string): ToolReply => ({ draft, ok: false, text });
  if (tool === undefined) {
    return refuse(
      `there is no tool ${JSON.stringify(name.slice(0, 80))}; there are ${[...TOOLS.keys()].join(", ")}`,
    );
  }
  const problem = (args as Readonly<Record<string, unknown>> | null)?.[ARGUMENT_PROBLEM];
  if (typeof problem === "string") return refuse(`the arguments of ${name} ${problem}`);
  try {
    const reply = await tool.call(draft, args, scope);
    return { ...reply, text: cut(reply.text, MOST_ANSWER) };
  } catch (error) {
    if (SkillError.isInstance(error) && REFUSALS.has(error.code)) {
      return refuse(describeError(error.toValue()));
    }
    throw error;
  }
}

/** Errors that are about the call itself. */
const REFUSALS: ReadonlySet<string> = new Set(["invalid_package", "not_found", "invalid_input"]);

function writeTool<Schema extends z.ZodType>(tool: {
  readonly description: string;
  readonly schema: Schema;
  readonly run: (draft: Draft, args: z.output<Schema>, scope: ToolScope) => ToolReply | Promise<ToolReply>;
}): WriteTool {
  const { description, schema, run } = tool;
  return {
    description,
    schema,
    call: async (draft, args, scope) => {
      const parsed = schema.safeParse(args);
      if (parsed.success) return await run(draft, parsed.data, scope);
      throw new SkillError(
        "invalid_input",
        `the arguments do not fit: ${cut(z.prettifyError(parsed.error), 600)}`,
      );
    },
  };
}

async function check(
  draft: Draft,
  scope: ToolScope,
  concerns: (file: string | undefined) => boolean,
): Promise<ToolReply> {
  const staged = await stageFiles(
    scope.context.skills.library,
    draft.files,
    draft.staged,
    scope.onStaged,
  );
  const { findings } = await checkStaged(scope.context, staged, scope.candidates);
  const mine = findings.filter((finding) => concerns(finding.file));
  const ok = !mine.some((finding) => finding.severity === "error");
  return { draft: { ...draft, staged }, ok, text: mine.length === 0 ? "ok" : describeFindings(mine) };
}
