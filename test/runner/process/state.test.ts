import { expect, test } from "vitest";
import { SkillError } from "../../../src/base/errors.ts";
import { nextState, type ProcessEvent, type ProcessState } from "../../../src/runner/process/state.ts";

const cause = new SkillError("process_died", "gone");
const spawned: ProcessEvent = { type: "spawned", pid: 1 };
const handshaken: ProcessEvent = { type: "handshaken" };
const failed: ProcessEvent = { type: "ended", cause, intended: false };
const stopped: ProcessEvent = { type: "ended", cause, intended: true };
const pending: ProcessState = { status: "pending" };

test("nextState leads from pending over starting to running", () => {
  const starting = nextState(pending, spawned);
  expect(starting).toEqual({ status: "starting", pid: 1 });
  expect(nextState(starting, handshaken)).toEqual({ status: "running", pid: 1 });
});

test("nextState tells an end that the host wanted from one that it did not", () => {
  const running = nextState(nextState(pending, spawned), handshaken);
  expect(nextState(running, failed)).toEqual({ status: "failed", cause });
  expect(nextState(running, stopped)).toEqual({ status: "stopped", cause });
});

test("nextState keeps the first end", () => {
  const other = new SkillError("timeout", "late");
  const end = nextState(pending, failed);
  expect(nextState(end, { type: "ended", cause: other, intended: true })).toBe(end);
});

test.each([
  [pending, handshaken],
  [nextState(pending, spawned), spawned],
  [nextState(nextState(pending, spawned), handshaken), handshaken],
  [nextState(pending, failed), spawned],
  [nextState(pending, stopped), handshaken],
])("nextState refuses what the state does not allow (%#)", (state, event) => {
  expect(() => nextState(state, event)).toThrow(expect.objectContaining({ code: "invalid_transition" }));
});
