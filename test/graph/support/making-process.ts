// A process of its own that runs the generation graph on one thread, says where it stands, and stays until it is killed.
import process from "node:process";
import { setInterval } from "node:timers";
import { Command } from "@langchain/langgraph";
import { createSkillGraph } from "../../../src/graph/create-skill-graph.ts";
import { openSkills } from "../../../src/skills.ts";
import { scriptedMaker, writes } from "../scripted-maker.ts";
import { FileSaver } from "./file-saver.ts";
import { ROMAN, ROMAN_EXAMPLES, ROMAN_INTENT } from "./roman.ts";

const [, , dir = "", checkpoints = "", what = "", resume = "null"] = process.argv;
const skills = await openSkills({ dir, embeddings: "none" });
if (what === "hang") {
  // the power is cut between installing and activating
  Object.assign(skills.library, {
    activate: () => {
      tell({ hangs: true });
      return new Promise(() => setInterval(() => {}, 1000));
    },
  });
}
const model = what === "make" ? scriptedMaker(writes(ROMAN), "done") : scriptedMaker();
const graph = createSkillGraph({ skills, model, maker: "scripted" }).compile({
  checkpointer: new FileSaver(checkpoints),
});
const thread = { configurable: { thread_id: "1" } };
if (what === "make") {
  await graph.invoke({ intent: ROMAN_INTENT, examples: ROMAN_EXAMPLES }, thread);
  tell(
    (await graph.getState(thread)).tasks.flatMap(({ interrupts }) =>
      interrupts.map(({ value }) => value as unknown)
    ),
  );
} else await graph.invoke(new Command({ resume: JSON.parse(resume) as object }), thread);
setInterval(() => {}, 1000);

function tell(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
