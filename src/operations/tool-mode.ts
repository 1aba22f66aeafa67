import { SkillError } from "../base/errors.ts";

/** What a model may do with skills: nothing, look, look and change settings of the thread, run and make. */
export const TOOL_MODES = ["off", "read_only", "read_write", "full"] as const;

/** A tool mode. Default everywhere: `read_only`. */
export type ToolMode = (typeof TOOL_MODES)[number];

/** Whether a caller in mode `given` may do what needs mode `needed`. */
export function modeAllows(given: ToolMode, needed: ToolMode): boolean {
  return TOOL_MODES.indexOf(given) >= TOOL_MODES.indexOf(needed);
}

/** @throws {SkillError} `mode_denied` unless a caller in mode `given` may do `what`, which needs mode `needed` */
export function requireMode(given: ToolMode, needed: ToolMode, what: string): void {
  if (modeAllows(given, needed)) return;
  throw new SkillError("mode_denied", `"${what}" needs tool mode "${needed}", the mode is "${given}"`, {
    fix: `the host must allow it with mode "${needed}"`,
    details: { operation: what, mode: given, needed },
  });
}
