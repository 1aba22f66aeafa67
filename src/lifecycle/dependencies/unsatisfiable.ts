import { SkillError } from "../../base/errors.ts";

/** Who asks for whom, from the start on: `app 1.0.0`, `report 2.0.0`, `git-utils ^1.0.0`. */
export type Chain = readonly string[];

/** What nobody can fulfil. */
export interface Missing {
  readonly by: string;
  readonly name: string;
  readonly range: string;
  /** Versions that are there and do not fit. */
  readonly found: readonly string[];
  readonly chain: Chain;
}

/** Nothing fulfils what a skill needs. */
export function missing({ by, name, range, found, chain }: Missing): SkillError {
  const state = found.length === 0
    ? "which is neither installed nor in the home"
    : `and there is only ${found.join(", ")}`;
  const way = chain.length > 2 ? ` (${chain.join(" -> ")})` : "";
  return new SkillError("dependency_unsatisfiable", `"${by}" needs "${name}" ${range}, ${state}${way}`, {
    fix: `install a version of "${name}" that fits ${range}, or put its package into the home as ${name}/`,
    details: { missing: { name, range }, found, by, chain },
  });
}

/** Two sides ask for what can't be had together. */
export function conflict(name: string, chains: readonly [Chain, Chain]): SkillError {
  const [one, other] = chains.map((chain) => chain.join(" -> "));
  return new SkillError(
    "dependency_unsatisfiable",
    `no version of "${name}" does for both: ${one}; ${other}`,
    {
      fix: `add a version of "${name}" that does for both, or change one of the ranges`,
      details: { conflict: name, chains },
    },
  );
}

/** Skills that need one another. */
export function cycle(chain: Chain): SkillError {
  return new SkillError("dependency_unsatisfiable", `skills need one another: ${chain.join(" -> ")}`, {
    fix: "remove one of these dependencies",
    details: { cycle: chain },
  });
}

/** There is more to try than is tried. */
export function tooMany(root: string): SkillError {
  return new SkillError("dependency_unsatisfiable", `"${root}" has too many dependencies to choose from`, {
    fix: "narrow the ranges, or install some of them first",
  });
}
