import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "smol-toml";
import * as z from "zod";
import { SkillError } from "../../base/errors.ts";
import { configFolder, type UserEnvironment } from "../toolchain/user-environment.ts";

/** What the user told uv about where packages come from. Lists are as uv's variables take them. */
export interface UvSettings {
  readonly defaultIndex: string | undefined;
  readonly indexes: readonly string[];
  readonly findLinks: readonly string[];
  readonly noIndex: boolean;
}

const FILE = z.object({
  index: z.array(z.object({
    name: z.string().optional(),
    url: z.string(),
    default: z.boolean().optional(),
    explicit: z.boolean().optional(),
  })).optional(),
  "index-url": z.string().optional(),
  "extra-index-url": z.array(z.string()).optional(),
  "find-links": z.array(z.string()).optional(),
  "no-index": z.boolean().optional(),
});

/**
 * Reads uv's variables, else the user's and the machine's `uv.toml`; undefined when none of them names an index.
 * Files in the working directory do not count: they come with whatever lies there.
 *
 * @throws {SkillError} `environment_failed` when a file cannot be read
 */
export async function uvSettings(env: UserEnvironment): Promise<UvSettings | undefined> {
  const set = fromVariables(env);
  if (set !== undefined) return set;
  for (const path of [join(configFolder(env), "uv", "uv.toml"), "/etc/uv/uv.toml"]) {
    const found = await fromFile(path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fromVariables(env: UserEnvironment): UvSettings | undefined {
  const list = (name: string, separator: RegExp): readonly string[] =>
    (env[name] ?? "").split(separator).filter((part) => part !== "");
  const settings: UvSettings = {
    defaultIndex: env["UV_DEFAULT_INDEX"] || env["UV_INDEX_URL"] || undefined,
    indexes: [...list("UV_INDEX", /\s+/), ...list("UV_EXTRA_INDEX_URL", /\s+/)],
    findLinks: list("UV_FIND_LINKS", /,/),
    noIndex: false,
  };
  return isEmpty(settings) ? undefined : settings;
}

async function fromFile(path: string): Promise<UvSettings | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return undefined;
  }
  try {
    const file = FILE.parse(parse(text));
    const indexes = file.index?.filter((index) => index.explicit !== true) ?? [];
    const written = (index: { name?: string | undefined; url: string }): string =>
      index.name === undefined ? index.url : `${index.name}=${index.url}`;
    const first = indexes.find((index) => index.default === true);
    const settings: UvSettings = {
      defaultIndex: first === undefined ? file["index-url"] : written(first),
      indexes: [
        ...indexes.filter((index) => index !== first).map(written),
        ...(file["extra-index-url"] ?? []),
      ],
      findLinks: file["find-links"] ?? [],
      noIndex: file["no-index"] ?? false,
    };
    return isEmpty(settings) ? undefined : settings;
  } catch (error) {
    throw new SkillError("environment_failed", `uv's settings "${path}" cannot be read`, {
      fix: "correct the file",
      cause: error,
    });
  }
}

function isEmpty({ defaultIndex, indexes, findLinks, noIndex }: UvSettings): boolean {
  return defaultIndex === undefined && indexes.length === 0 && findLinks.length === 0 && !noIndex;
}
