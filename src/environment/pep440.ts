/** A version in the form in which it is compared; see `parseVersion`. */
export interface Version {
  readonly release: readonly number[];
  readonly local: string;
  /** Epoch, then release without trailing zeros. */
  readonly main: readonly number[];
  /** Pre-release rank and number, post, dev. */
  readonly rest: readonly number[];
}

/** One clause of a version specifier. */
export interface Specifier {
  readonly operator: "==" | "!=" | "<=" | ">=" | "<" | ">" | "~=" | "===";
  readonly text: string;
}

const VERSION = new RegExp(
  String.raw`^v?(?:(\d+)!)?(\d+(?:\.\d+)*)` +
    String.raw`(?:[-_.]?(alpha|beta|preview|pre|rc|a|b|c)[-_.]?(\d*))?` +
    String.raw`(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?` +
    String.raw`(?:[-_.]?(dev)[-_.]?(\d*))?` +
    String.raw`(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`,
  "i",
);
const CLAUSE = /^(~=|===|==|!=|<=|>=|<|>)\s*([^\s,;()]+)$/;
const MAX_LENGTH = 256;

/** Reads a version as PEP 440 writes it, or undefined when it is none. */
export function parseVersion(text: string): Version | undefined {
  const found = text.length > MAX_LENGTH ? null : VERSION.exec(text.trim());
  if (found === null) return undefined;
  const [, epoch, digits = "", pre, preNumber, dashPost, post, postNumber, dev, devNumber, local = ""] =
    found;
  const release = digits.split(".").map(Number);
  const hasPost = post !== undefined || dashPost !== undefined;
  const preRank = pre !== undefined ? rankOf(pre) : dev !== undefined && !hasPost ? -1 : 3;
  return {
    release,
    local: local.toLowerCase(),
    main: [Number(epoch ?? 0), ...withoutTrailingZeros(release)],
    rest: [
      preRank,
      Number(preNumber || 0),
      hasPost ? Number(dashPost ?? (postNumber || 0)) : -1,
      dev === undefined ? Number.POSITIVE_INFINITY : Number(devNumber || 0),
    ],
  };
}

/** Orders two versions as PEP 440 does; negative when `a` is older. Local parts count only for being there or not. */
export function compareVersions(a: Version, b: Version): number {
  return compareNumbers(a.main, b.main) || compareNumbers(a.rest, b.rest) ||
    (a.local === b.local ? 0 : a.local < b.local ? -1 : 1);
}

/** Reads a comma-separated list of version clauses; undefined when one cannot be read. */
export function parseSpecifiers(text: string): readonly Specifier[] | undefined {
  if (text.trim() === "") return [];
  const clauses: Specifier[] = [];
  for (const part of text.split(",")) {
    const [, operator, version = ""] = CLAUSE.exec(part.trim()) ?? [];
    if (operator === undefined) return undefined;
    const bare = operator === "==" || operator === "!=" ? version.replace(/\.\*$/, "") : version;
    const parsed = parseVersion(bare);
    if (operator !== "===" && parsed === undefined) return undefined;
    if (operator === "~=" && (parsed?.release.length ?? 0) < 2) return undefined;
    clauses.push({ operator: operator as Specifier["operator"], text: version });
  }
  return clauses;
}

/** Whether a version fulfils every clause. Pre-releases count by their order alone. */
export function matches(version: Version, specifiers: readonly Specifier[]): boolean {
  return specifiers.every((specifier) => matchesOne(version, specifier));
}

function matchesOne(version: Version, { operator, text }: Specifier): boolean {
  if (text.endsWith(".*")) {
    const prefix = parseVersion(text.slice(0, -2));
    const same = prefix !== undefined && hasPrefix(version, prefix);
    return operator === "!=" ? !same : same;
  }
  const wanted = parseVersion(text);
  if (wanted === undefined) return false;
  const order = compareVersions(wanted.local === "" ? { ...version, local: "" } : version, wanted);
  switch (operator) {
    case "!=":
      return order !== 0;
    case ">=":
      return order >= 0;
    case "<=":
      return order <= 0;
    case "~=":
      return order >= 0 && hasPrefix(version, { ...wanted, release: wanted.release.slice(0, -1) });
    case "<":
      return order < 0 && (isPrerelease(wanted) || !isPrerelease(version) || !sameRelease(version, wanted));
    case ">":
      return order > 0 && (isPost(wanted) || !isPost(version) || !sameRelease(version, wanted));
    case "==":
    case "===":
    default:
      return order === 0;
  }
}

function rankOf(pre: string): number {
  const first = pre.toLowerCase().charAt(0);
  return first === "a" ? 0 : first === "b" ? 1 : 2;
}

function isPrerelease(version: Version): boolean {
  return (version.rest[0] ?? 3) < 3 || Number.isFinite(version.rest[3]);
}

function isPost(version: Version): boolean {
  return (version.rest[2] ?? -1) >= 0;
}

function sameRelease(a: Version, b: Version): boolean {
  return compareNumbers(a.main, b.main) === 0;
}

function hasPrefix(version: Version, prefix: Version): boolean {
  return version.main[0] === prefix.main[0] &&
    prefix.release.every((part, index) => (version.release[index] ?? 0) === part);
}

function withoutTrailingZeros(release: readonly number[]): readonly number[] {
  return release.slice(0, release.findLastIndex((part) => part !== 0) + 1);
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index] ?? 0, b[index] ?? 0];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
