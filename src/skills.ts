import { join } from "node:path";
import process from "node:process";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import { SkillError } from "./base/errors.ts";
import type { Json } from "./base/json.ts";
import { createDiscovery } from "./discovery/create-discovery.ts";
import { openLangChainEmbedder } from "./discovery/langchain-embedder.ts";
import { LangChainVectors } from "./discovery/langchain-vectors.ts";
import type { StoreClientOptions } from "./discovery/store-client.ts";
import type { Discovery, Embedder } from "./discovery/types.ts";
import { createEnvironments } from "./environment/create-environments.ts";
import type { Environments } from "./environment/types.ts";
import { findHome } from "./lifecycle/home/find-home.ts";
import { type OpenedLibrary, openLibrary } from "./lifecycle/library.ts";
import { runnerLimits } from "./lifecycle/programs/program.ts";
import type { SettingsInput } from "./lifecycle/storage/settings.ts";
import type { SkillLibrary } from "./lifecycle/skill-library.ts";
import type { SkillInfo } from "./lifecycle/types.ts";
import { type FoundSkill, search, type SearchFilters } from "./operations/search.ts";
import { perform } from "./operations/perform.ts";
import type { OperationSkills } from "./operations/types.ts";
import { createRunner } from "./runner/runner.ts";
import type { Runner } from "./runner/types.ts";
import { createSandbox } from "./sandbox/create-sandbox.ts";
import type { BackendName, SandboxBackend } from "./sandbox/types.ts";
import type { HomeSettings } from "./lifecycle/storage/home-settings.ts";
import type { RunOptions, RunResult } from "./lifecycle/serving/run.ts";

/** Options of `openSkills`. None of them can come from a home, a manifest or a model. */
export interface OpenSkillsOptions {
  /** The home. Default: `SKILLWRIGHT_DIR`, else `./.skills` if it exists, else `~/.skillwright`. */
  readonly dir?: string;
  /**
   * Whether `dir` was typed by somebody instead of chosen by your code: then a home that this user neither made nor
   * trusted runs nothing. Default false.
   */
  readonly untrustedDir?: boolean;
  /** Default `auto`: bubblewrap, else Landlock, else refusal. `unsafe-none` runs skills without any sandbox. */
  readonly sandbox?: "auto" | BackendName | SandboxBackend;
  /** Absolute paths of programs. Default: found. */
  readonly programs?: { readonly python?: string; readonly uv?: string; readonly bwrap?: string };
  /** Whether uv may be installed from the package index when a skill needs it. Default true. */
  readonly allowUvInstall?: boolean;
  /** Downloads, and uv when it had to be fetched. Default `$XDG_CACHE_HOME/skillwright`, else `~/.cache/skillwright`. */
  readonly cacheDir?: string;
  /** Any LangChain embeddings in place of the shipped model, with an id that names model and version; or `none`. */
  readonly embeddings?: { readonly model: EmbeddingsInterface; readonly id: string } | "none";
  /**
   * Any LangChain vector store in place of the files in the home. It gets the vectors of `embeddings`. `id` names a
   * collection that belongs to this home alone; `toCosine` is needed where scores are no cosine similarities: for a
   * store of cosine distances `(score) => 1 - score`.
   */
  readonly vectorStore?: { readonly store: VectorStoreInterface } & StoreClientOptions;
  /** Laid over the home's `config.toml`; permissions and limits bound it. */
  readonly settings?: SettingsInput;
  /** Values of the credentials that a skill's manifest names. Default: none. */
  readonly secrets?: (skillId: string, name: string) => string | undefined;
  /** Told what a person who runs the host should know. Default: nowhere. */
  readonly log?: (level: "info" | "warning" | "error", message: string) => void;
}

/** An opened home: all parts, wired, and the few things that most programs do. */
export class Skills implements OperationSkills {
  readonly library: SkillLibrary;
  readonly discovery: Discovery;
  readonly sandbox: SandboxBackend;
  readonly environments: Environments;
  readonly settings: HomeSettings;
  readonly #runner: Runner;

  /** @internal Use `openSkills`. */
  constructor(parts: OperationSkills & { readonly library: OpenedLibrary }) {
    this.library = parts.library;
    this.#runner = parts.library.runner;
    this.discovery = parts.discovery;
    this.sandbox = parts.sandbox;
    this.environments = parts.environments;
    this.settings = parts.settings;
  }

  /**
   * Active skills that may do what `query` says, best first, at most `limit` (5). A score says nothing by itself: read
   * the description, or run the skill against what is expected of it. Filters narrow what is looked at.
   */
  async search(
    query: string,
    options: SearchFilters & { readonly limit?: number; readonly related_only?: boolean } = {},
  ): Promise<readonly FoundSkill[]> {
    const { matches } = await perform(search, { skills: this, actor: { via: "code" } }, {
      query,
      ...options,
    });
    return matches;
  }

  /** Runs a tool of a skill's serving version. @throws {SkillError} */
  run(id: string, input: Json, options: RunOptions = {}): Promise<RunResult> {
    return this.library.run(id, input, options);
  }

  /** All skills of the home. */
  list(): Promise<readonly SkillInfo[]> {
    return this.library.list();
  }

  /** Ends all processes and closes all files. May be called twice. */
  async close(): Promise<void> {
    await this.library.close();
    await this.#runner.close();
    await this.discovery.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Opens a home, making it if need be. No process starts and no model loads before they are needed.
 *
 * @throws {SkillError} `home_unusable`, `home_busy`, `invalid_input`
 */
export async function openSkills(options: OpenSkillsOptions = {}): Promise<Skills> {
  const { programs = {}, log } = options;
  const place = await findHome(options.dir, process.env);
  const environments = createEnvironments({
    ...(options.cacheDir === undefined ? {} : { cacheDir: options.cacheDir }),
    ...(programs.python === undefined ? {} : { python: programs.python }),
    ...(programs.uv === undefined ? {} : { uv: programs.uv }),
    ...(programs.bwrap === undefined ? {} : { bwrapPath: programs.bwrap }),
    ...(options.sandbox === "landlock" ? { backend: options.sandbox } : {}),
    ...(options.allowUvInstall === undefined ? {} : { allowUvInstall: options.allowUvInstall }),
  });
  const sandbox = sandboxOf(options, environments);
  const library = await openLibrary({
    dir: place.dir,
    trusted: place.chosen && options.untrustedDir !== true,
    environments,
    runner: (settings) => createRunner({ sandbox, limits: runnerLimits(settings) }),
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.secrets === undefined ? {} : { secrets: options.secrets }),
    trial: (document, texts, filter) => discovery.trial(document, texts, filter),
    ...(log === undefined ? {} : { log }),
  });
  const embedder = embedderOf(options.embeddings);
  const index = join(library.dir, ".index");
  const tell = (message: string): void => log?.("info", message);
  const { vectorStore } = options;
  const discovery: Discovery = createDiscovery({
    // What a stranger's home holds is not read, and nothing is written there or about it.
    ...(library.trusted ? { dir: index } : {}),
    source: library,
    ...(embedder === undefined ? {} : { embedder }),
    ...(vectorStore === undefined || !library.trusted ? {} : {
      vectors: new LangChainVectors(vectorStore.store, {
        ...vectorStore,
        ledger: join(index, "vector-store.json"),
        log: tell,
      }),
    }),
    log: tell,
  });
  return new Skills({ library, discovery, sandbox, environments, settings: library.settings });
}

/** @throws {SkillError} `invalid_input` when the host switches the sandbox off and asks for one */
function sandboxOf(
  { sandbox = "auto", programs = {}, settings = {} }: OpenSkillsOptions,
  environments: Environments,
): SandboxBackend {
  const off = settings.security?.sandbox_enabled === false;
  if (off && sandbox !== "auto" && sandbox !== "unsafe-none") {
    throw new SkillError("invalid_input", "sandbox_enabled is false and a sandbox is asked for", {
      fix: "leave out one of them",
    });
  }
  if (typeof sandbox !== "string") return sandbox;
  return createSandbox({
    backend: off ? "unsafe-none" : sandbox,
    python: () => environments.python(),
    ...(programs.bwrap === undefined ? {} : { bwrapPath: programs.bwrap }),
  });
}

function embedderOf(given: OpenSkillsOptions["embeddings"]): "none" | (() => Promise<Embedder>) | undefined {
  if (given === undefined || given === "none") return given;
  return () => openLangChainEmbedder(given.model, { id: given.id });
}
