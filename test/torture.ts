import process from "node:process";

/** How often something is tried: seldom in the usual suite, `thorough` times by `npm run torture`. */
export function tries(usual: number, thorough: number): number {
  return process.env["SKILLWRIGHT_TORTURE"] === undefined ? usual : thorough;
}
