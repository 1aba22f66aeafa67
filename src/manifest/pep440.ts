/** A version as PEP 440 orders it. */
export interface PythonVersion {
  readonly epoch: number;
  readonly release: readonly number[];
  /** `a`, `b` or `rc` with its number. */
  readonly pre?: readonly ["a" | "b" | "rc", number];
  readonly post?: number;
  readonly dev?: number;
  readonly local?: string;
}

/** One clause of a version specifier, like `>=3.11` or `==3.*`. */
export interface VersionClause {
  readonly operator: "==" | "!=" | "<=" | ">=" | "<" | ">" | "~=" | "===";
  readonly version: PythonVersion;
  /** Ends in `.*`. */
  readonly wildcard: boolean;
}

const VERSION =
  /^v?(?:(\d{1,9})!)?(\d{1,9}(?:\.\d{1,9}){0,15})(?:[-_.]?(alpha|beta|preview|pre|a|b|c|rc)[-_.]?(\d{0,9}))?(?:-(\d{1,9})|[-_.]?(post|rev|r)[-_.]?(\d{0,9}))?(?:[-_.]?(dev)[-_.]?(\d{0,9}))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/i;
const PRE_NAMES = {
  a: "a",
  alpha: "a",
  b: "b",
  beta: "b",
  c: "rc",
  rc: "rc",
  pre: "rc",
  preview: "rc",
} as const;

/** Parses a PEP 440 version; undefined when it is none. */
export function parsePythonVersion(text: string): PythonVersion | undefined {
  const match = text.length > 200 ? null : VERSION.exec(text.trim());
  if (match === null) return undefined;
  const [, epoch, release = "", preName, preNumber, postShort, postName, postNumber, devName, dev, local] =
    match;
  return {
    epoch: Number(epoch ?? 0),
    release: release.split(".").map(Number),
    ...(preName === undefined
      ? {}
      : { pre: [PRE_NAMES[preName.toLowerCase() as keyof typeof PRE_NAMES], Number(preNumber)] as const }),
    ...(postShort === undefined && postName === undefined ? {} : { post: Number(postShort ?? postNumber) }),
    ...(devName === undefined ? {} : { dev: Number(dev) }),
    ...(local === undefined ? {} : { local: local.toLowerCase().replaceAll(/[-_]/g, ".") }),
  };
}

/** What `parseSpecifier` found wrong: a reason, without a final period. */
export interface SpecifierProblem {
  readonly problem: string;
}

/** Parses a comma-separated PEP 440 specifier such as `>=3.11,<4`. Empty text is no clause. */
export function parseSpecifier(text: string): readonly VersionClause[] | SpecifierProblem {
  if (text.trim() === "") return [];
  const clauses: VersionClause[] = [];
  for (const part of text.split(",")) {
    const clause = parseClause(part.trim());
    if ("problem" in clause) return clause;
    clauses.push(clause);
  }
  return clauses;
}

function parseClause(text: string): VersionClause | SpecifierProblem {
  if (text === "") return { problem: "a comma has no clause on one of its sides" };
  const match = /^(===|==|!=|<=|>=|~=|<|>)\s*(\S+)$/.exec(text);
  if (match === null) {
    const problem = /^[\w.*+!-]+$/.test(text)
      ? `"${text}" has no comparison; write one of ==, !=, <=, >=, <, >, ~= before the version`
      : `"${text}" is not a version clause like ">=1.2"`;
    return { problem };
  }
  const operator = match[1] as VersionClause["operator"];
  const written = match[2] ?? "";
  const wildcard = written.endsWith(".*");
  const version = parsePythonVersion(wildcard ? written.slice(0, -2) : written);
  if (version === undefined) return { problem: `"${written}" is not a version as PEP 440 defines it` };
  return clauseProblem(operator, version, wildcard, text) ?? { operator, version, wildcard };
}

function clauseProblem(
  operator: VersionClause["operator"],
  version: PythonVersion,
  wildcard: boolean,
  text: string,
): SpecifierProblem | undefined {
  if (wildcard && operator !== "==" && operator !== "!=") {
    return { problem: `"${text}": ".*" goes with == and != only` };
  }
  if (wildcard && (version.dev !== undefined || version.local !== undefined)) {
    return { problem: `"${text}": ".*" can't follow a development or local version` };
  }
  if (operator === "~=" && version.release.length < 2) {
    return { problem: `"${text}": ~= needs at least two numbers, like ~=${version.release[0]}.0` };
  }
  const ordered = operator !== "==" && operator !== "!=" && operator !== "===";
  if (ordered && version.local !== undefined) {
    return { problem: `"${text}": a local version (+…) goes with == and != only` };
  }
  return undefined;
}

/** Orders two versions as PEP 440 does, local parts aside: negative, 0 or positive. */
export function comparePythonVersions(a: PythonVersion, b: PythonVersion): number {
  return a.epoch - b.epoch || compareRelease(a.release, b.release) || compareLists(phase(a), phase(b));
}

function compareRelease(a: readonly number[], b: readonly number[]): number {
  const length = Math.max(a.length, b.length);
  const pad = (list: readonly number[]) => Array.from({ length }, (_, index) => list[index] ?? 0);
  return compareLists(pad(a), pad(b));
}

/** What comes after the release, as numbers in order: a development release stands before what it leads to. */
function phase({ pre, post, dev }: PythonVersion): readonly number[] {
  const rank = pre === undefined
    ? (post === undefined && dev !== undefined ? -1 : 3)
    : ["a", "b", "rc"].indexOf(pre[0]);
  return [rank, pre?.[1] ?? 0, post ?? -1, dev ?? Number.MAX_SAFE_INTEGER];
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (const [index, left] of a.entries()) {
    const difference = left - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether `version` lies in what all `clauses` allow. */
export function satisfiesClauses(version: PythonVersion, clauses: readonly VersionClause[]): boolean {
  return clauses.every((clause) => satisfies(version, clause));
}

function satisfies(version: PythonVersion, { operator, version: bound, wildcard }: VersionClause): boolean {
  if (operator === "~=") {
    return comparePythonVersions(version, bound) >= 0 &&
      hasPrefix(version, bound.epoch, bound.release.slice(0, -1));
  }
  if (wildcard) return hasPrefix(version, bound.epoch, bound.release) === (operator === "==");
  const order = comparePythonVersions(version, bound);
  const equal = order === 0 && (bound.local === undefined || bound.local === version.local);
  switch (operator) {
    case "==":
    case "===":
      return equal;
    case "!=":
      return !equal;
    case "<=":
      return order <= 0;
    case ">=":
      return order >= 0;
    // 3.12rc1 is not "< 3.12": nobody who wants less than 3.12 means its candidates
    case "<":
      return order < 0 &&
        (version.pre === undefined || bound.pre !== undefined || !sameRelease(version, bound));
    case ">":
      return order > 0 &&
        (version.post === undefined || bound.post !== undefined || !sameRelease(version, bound));
    default:
      return operator satisfies never;
  }
}

function sameRelease(a: PythonVersion, b: PythonVersion): boolean {
  return a.epoch === b.epoch && compareRelease(a.release, b.release) === 0;
}

function hasPrefix(version: PythonVersion, epoch: number, prefix: readonly number[]): boolean {
  return version.epoch === epoch && prefix.every((number, index) => (version.release[index] ?? 0) === number);
}
