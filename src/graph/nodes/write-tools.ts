import { ToolMessage } from "@langchain/core/messages";
import type { GraphContext } from "../config.ts";
import { callsOf, type MakerCall } from "../maker-reply.ts";
import type { StageEvent, StageWork } from "../stage-node.ts";
import type { SkillGraphState, StateUpdate } from "../state.ts";
import type { GraphEvent } from "../types.ts";
import { USE_EXISTING, useExisting } from "../use-existing.ts";
import { type Draft, runWriteTool, type ToolReply } from "../write-tools.ts";

/** Answers every call of the maker's last reply, one after the other, against the files in the state. */
export const writeTools: StageWork = async (context, state, { signal, emit, onStaged }) => {
  const scope = {
    context,
    shown: state.shown,
    candidates: state.candidates,
    signal,
    onStaged,
    onResult: (result: NonNullable<GraphEvent["result"]>) =>
      emit({ kind: "test", stage: "write_tools", status: statusOf(result.status === "passed"), result }),
  };
  const answers: ToolMessage[] = [];
  let draft: Draft = { files: state.files, staged: state.staged };
  for (const call of callsOf(state.messages.at(-1))) {
    if (call.name === USE_EXISTING) {
      const found = useExisting(context, state, call.args);
      if (typeof found !== "string") return await taken(context, state, found);
      answers.push(answerTo(call, { draft, ok: false, text: found }));
      continue;
    }
    const before = draft.files;
    const reply = await runWriteTool(draft, call.name, call.args, scope);
    draft = reply.draft;
    emit(eventOf(call, reply, before));
    answers.push(answerTo(call, reply));
  }
  return { ...draft, messages: [...state.messages, ...answers] };
};

function answerTo({ id, name }: MakerCall, { text, ok }: ToolReply): ToolMessage {
  return new ToolMessage({ tool_call_id: id, name, content: text, status: ok ? "success" : "error" });
}

/** A call that changed a file is told with the file; it may be any tool that does. */
function eventOf({ name, args }: MakerCall, { draft, ok }: ToolReply, before: Draft["files"]): StageEvent {
  const status = statusOf(ok);
  const stage = "write_tools";
  const [path] = Object.keys(draft.files).filter((one) => draft.files[one] !== before[one]);
  if (path !== undefined) {
    return { kind: "file", stage, status, path, content: draft.files[path] ?? "", detail: `${name} ${path}` };
  }
  const named = typeof args["path"] === "string" ? ` ${args["path"].slice(0, 200)}` : "";
  return { kind: name === "run_tests" ? "test" : "turn", stage, status, detail: `${name}${named}` };
}

/** The maker took an existing skill: the decision is recorded, and the run ends. */
async function taken(
  { skills, actor }: GraphContext,
  { intent }: SkillGraphState,
  outcome: ReturnType<typeof useExisting> & object,
): Promise<StateUpdate> {
  if (outcome.outcome !== "existing_match") return {};
  const { skill_id, how, report } = outcome;
  await skills.library.noteReuse(skill_id, { intent, how, actor });
  return { outcome, reuse: report.reuse };
}

function statusOf(ok: boolean): "finished" | "failed" {
  return ok ? "finished" : "failed";
}
