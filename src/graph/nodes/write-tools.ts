import { ToolMessage } from "@langchain/core/messages";
import { callsOf } from "../maker-reply.ts";
import type { StageWork } from "../stage-node.ts";
import type { GraphEvent } from "../types.ts";
import { type Draft, runWriteTool } from "../write-tools.ts";

const KINDS: ReadonlyMap<string, GraphEvent["kind"]> = new Map([["write_skill_file", "file"], [
  "run_tests",
  "test",
]]);

/** Answers every call of the maker's last reply, one after the other, against the files in the state. */
export const writeTools: StageWork = async (context, state, { signal, emit }) => {
  const scope = { context, shown: state.shown, candidates: state.candidates, signal };
  const answers: ToolMessage[] = [];
  let draft: Draft = { files: state.files, staged: state.staged };
  for (const { id, name, args } of callsOf(state.messages.at(-1))) {
    const reply = await runWriteTool(draft, name, args, scope);
    draft = reply.draft;
    const status = reply.ok ? "finished" : "failed";
    const detail = `${name}${typeof args["path"] === "string" ? ` ${args["path"].slice(0, 200)}` : ""}`;
    emit({ kind: KINDS.get(name) ?? "turn", stage: "write_tools", status, detail });
    answers.push(
      new ToolMessage({
        tool_call_id: id,
        name,
        content: reply.text,
        status: reply.ok ? "success" : "error",
      }),
    );
  }
  return { ...draft, messages: [...state.messages, ...answers] };
};
