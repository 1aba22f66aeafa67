/** What a model may do with skills: nothing, look, look and change settings of the thread, run and make. */
export const TOOL_MODES = ["off", "read_only", "read_write", "full"] as const;

/** A tool mode. Default everywhere: `read_only`. */
export type ToolMode = (typeof TOOL_MODES)[number];

/** Whether a caller in mode `given` may do what needs mode `needed`. */
export function modeAllows(given: ToolMode, needed: ToolMode): boolean {
  return TOOL_MODES.indexOf(given) >= TOOL_MODES.indexOf(needed);
}
