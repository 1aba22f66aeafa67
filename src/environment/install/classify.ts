import { SkillError, type SkillErrorCode } from "../../base/errors.ts";
import { redactUrls } from "../toolchain/redact-urls.ts";
import type { Requirement } from "./requirement.ts";

/** Why uv failed, finer than the error code. */
export type UvFailure =
  | "hash_mismatch"
  | "source_only"
  | "not_cached"
  | "python_version"
  | "package_not_found"
  | "version_not_found"
  | "unsatisfiable"
  | "metadata_invalid"
  | "certificate"
  | "disk_full"
  | "index_unreachable"
  | "unknown";

interface Rule {
  readonly failure: UvFailure;
  readonly pattern: RegExp;
  readonly code: SkillErrorCode;
  /** What failed; `#` stands for the requirement. */
  readonly says: string;
  readonly fix: string;
}

// The first that fits counts: what is said in one clause may be only the consequence of another.
const RULES: readonly Rule[] = [
  {
    failure: "hash_mismatch",
    pattern: /Hash mismatch for|all requirements must have a hash/,
    code: "dependency_refused",
    says: "a downloaded file of # has another hash than was locked",
    fix: "try again; if it stays, the package index or the network changes files",
  },
  {
    failure: "source_only",
    pattern: /has no usable wheels|marked as `--no-build`|Building source distributions .* is disabled/,
    code: "dependency_refused",
    says: "# has no wheel for this Python and machine, and building from source would run its code",
    fix: "choose a version or a package that has wheels",
  },
  {
    failure: "not_cached",
    pattern: /not found in the cache|wasn.t found in the cache|network was disabled/,
    code: "index_unreachable",
    says: "# is not in the cache and the network is switched off",
    fix: "install once with the network on",
  },
  {
    failure: "disk_full",
    pattern: /No space left on device|os error 28|Disk quota exceeded/,
    code: "environment_failed",
    says: "the disk is full",
    fix: "free some space",
  },
  {
    failure: "python_version",
    pattern:
      /No interpreter found|not compatible with the locked Python|incompatible with the (project|script)'s Python/,
    code: "python_unavailable",
    says: "the interpreter does not fit",
    fix: "give the absolute path of another interpreter in the settings",
  },
  {
    failure: "package_not_found",
    pattern: /was not found in the package registry|was not found in the provided package locations/,
    code: "dependency_unsatisfiable",
    says: "the package index has no package #",
    fix: "check the name: it is that of the package index, not of the module that is imported",
  },
  {
    failure: "version_not_found",
    pattern: /there (is|are) no versions? of/,
    code: "dependency_unsatisfiable",
    says: "the package index has no such version of #",
    fix: "widen the version range",
  },
  {
    failure: "unsatisfiable",
    pattern: /No solution found/,
    code: "dependency_unsatisfiable",
    says: "no set of versions fulfils the requirements",
    fix: "widen the version ranges that contradict each other",
  },
  {
    failure: "metadata_invalid",
    pattern: /TOML parse error|multiple PEP 723|without a closing tag|invalid utf-8/,
    code: "invalid_script",
    says: "# cannot be read",
    fix: 'write requirements like "httpx>=0.27"',
  },
  {
    failure: "certificate",
    pattern: /invalid peer certificate|failed to build HTTP client|UnknownIssuer/,
    code: "index_unreachable",
    says: "the certificate of the package index is not trusted",
    fix: "set SSL_CERT_FILE to the certificates of your network, or UV_SYSTEM_CERTS=1",
  },
  {
    failure: "index_unreachable",
    pattern:
      /Failed to fetch|error sending request|dns error|Failed to download|Request failed after|tunnel error/,
    code: "index_unreachable",
    says: "the package index cannot be reached",
    fix: "check the network, the proxy and the index that is set for uv or pip",
  },
];

const OTHER: Rule = {
  failure: "unknown",
  pattern: /(?:)/,
  code: "environment_failed",
  says: "uv failed",
  fix: "see details.output for what uv said",
};

/** Makes an error of what uv printed: its exit codes are too coarse to tell. */
export function classifyUvFailure(
  step: string,
  output: string,
  requirements: readonly Requirement[],
): SkillError {
  const text = flatten(redactUrls(output));
  const rule = RULES.find(({ pattern }) => pattern.test(text)) ?? OTHER;
  const requirement = blamed(text, rule.failure, requirements);
  const subject = requirement === undefined ? "a requirement" : `"${requirement}"`;
  const because = rule.failure === "unsatisfiable" || rule.failure === "unknown" ? reasonIn(text) : undefined;
  const message = rule.says.replace("#", subject) + (because === undefined ? "" : `: ${because}`);
  return new SkillError(rule.code, message, {
    fix: rule.fix,
    details: {
      reason: rule.failure,
      step,
      ...(requirement === undefined ? {} : { requirement }),
      output: redactUrls(output).slice(-4000),
    },
  });
}

/** Older versions of uv draw boxes and wrap at 80 columns, newer ones start lines with `error:` and `cause:`. */
function flatten(output: string): string {
  return output.replaceAll(/[×╰─▶├│]/g, " ").replaceAll(/\s+/g, " ").trim();
}

/** The requirement that the text names first, else the package that it names although nobody asked for it. */
function blamed(text: string, failure: UvFailure, requirements: readonly Requirement[]): string | undefined {
  const guilty = /Hash mismatch for `([^`]+)`/.exec(text)?.[1] ??
    /(?:Because )?(?:only )?([A-Za-z0-9._-]+)(?:==[^\s]+)? (?:has no usable wheels|(?:was|wasn.t) (?:not )?found in)/
      .exec(text)?.[1] ??
    /there (?:is|are) no versions? of ([A-Za-z0-9._-]+)/.exec(text)?.[1];
  const name = guilty?.split("==")[0]?.toLowerCase();
  const asked = requirements.find((requirement) => requirement.name === name);
  if (asked !== undefined) return asked.text;
  if (guilty !== undefined) return guilty;
  if (failure !== "unsatisfiable" && failure !== "metadata_invalid") return undefined;
  const named = requirements
    .map((requirement) => ({ requirement, at: text.indexOf(requirement.name) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  return named[0]?.requirement.text;
}

function reasonIn(text: string): string | undefined {
  const reason = /Because (.*?)(?=, we can conclude|\. And because|$)/.exec(text)?.[1] ??
    /error: (.*)/.exec(text)?.[1] ?? text;
  return reason === "" ? undefined : reason.slice(0, 400).replace(/\.$/, "");
}
