import { SkillError } from "../../base/errors.ts";

/** Where a process stands in its life. `failed` and `stopped` are final. */
export type ProcessState =
  | { readonly status: "pending" }
  | { readonly status: "starting"; readonly pid: number }
  | { readonly status: "running"; readonly pid: number }
  | { readonly status: "failed"; readonly cause: SkillError }
  | { readonly status: "stopped"; readonly cause: SkillError };

/** What can happen to a process. `ended` with an `intended` cause is a stop, any other a failure. */
export type ProcessEvent =
  | { readonly type: "spawned"; readonly pid: number }
  | { readonly type: "handshaken" }
  | { readonly type: "ended"; readonly cause: SkillError; readonly intended: boolean };

/**
 * The state after an event. The first end of a process stays: what comes after it changes nothing.
 *
 * @throws {SkillError} `invalid_transition` for an event that the state does not allow
 */
export function nextState(state: ProcessState, event: ProcessEvent): ProcessState {
  switch (event.type) {
    case "spawned":
      if (state.status === "pending") return { status: "starting", pid: event.pid };
      break;
    case "handshaken":
      if (state.status === "starting") return { status: "running", pid: state.pid };
      break;
    case "ended":
      if (state.status === "failed" || state.status === "stopped") return state;
      return { status: event.intended ? "stopped" : "failed", cause: event.cause };
  }
  throw new SkillError(
    "invalid_transition",
    `a process that is "${state.status}" cannot become "${event.type}"`,
  );
}
