import { SkillError } from "../../base/errors.ts";
import { withFiles } from "../package-files.ts";
import { freeId } from "../scaffold.ts";
import type { SkillSource } from "../types.ts";
import { clientPackage } from "./client-package.ts";
import { readOpenApi } from "./openapi.ts";
import { scriptPackage } from "./script-package.ts";
import type { PackageFiles } from "../../lifecycle/packages/package-text.ts";

/** Characters of a description that the maker is told as it is. */
const MOST_TOLD = 60_000;

/** Where a generation starts: the first files, what the maker is told of them, and why they are not enough yet. */
export interface Start {
  readonly files: PackageFiles;
  readonly origin: string;
  readonly evidence: string;
}

/**
 * The package that a source is wrapped into, by rules alone: a script's public functions, or an API's operations, as
 * tools. A description that rules cannot read is left to the maker, where there is one.
 *
 * @throws {SkillError} `invalid_package` when it is more than a package may hold, `invalid_input` when it cannot be read
 */
export function startFrom(
  source: SkillSource,
  intent: string,
  taken: ReadonlySet<string>,
  hasMaker: boolean,
): Start {
  switch (source.kind) {
    case "package":
      return { files: withFiles({}, source.files), origin: "", evidence: source.note };
    case "script":
      return {
        files: withFiles({}, scriptPackage(source, { id: freeId(stem(source.name), taken), intent })),
        origin:
          `It starts from the script ${
            JSON.stringify(source.name)
          }, which somebody wrote for another purpose; it ` +
          "was wrapped by rules and may not fit yet: code at the top level runs when it is imported, so take it out.",
        evidence: "",
      };
    case "openapi":
      return fromDescription(source, intent, taken, hasMaker);
    default:
      return source satisfies never;
  }
}

function fromDescription(
  { name, text }: Extract<SkillSource, { kind: "openapi" }>,
  intent: string,
  taken: ReadonlySet<string>,
  hasMaker: boolean,
): Start {
  let api: ReturnType<typeof readOpenApi>;
  try {
    api = readOpenApi(text, name);
  } catch (error) {
    if (!SkillError.isInstance(error) || !hasMaker || text.length > MOST_TOLD) throw error;
    return {
      files: {},
      origin: `It is for the API that this file describes, ${name}:\n${text}`,
      evidence: "",
    };
  }
  return {
    files: withFiles({}, clientPackage(api, { id: freeId(api.title, taken), intent })),
    origin: `It starts from a client of the API ${JSON.stringify(api.title)}, written by rules from ${
      JSON.stringify(name)
    }. Keep the operations that the intent needs, and do what else it asks for.`,
    evidence: "",
  };
}

function stem(name: string): string {
  return name.replace(/^.*[/\\]/, "").replace(/\.\w+$/, "");
}
