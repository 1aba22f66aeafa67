import { type BaseMessage, HumanMessage, SystemMessage } from "@langchain/core/messages";
import { cut } from "./evidence.ts";
import { MAKER_PROMPT } from "./prompts/maker.ts";
import { REPAIR_PROMPT } from "./prompts/repair.ts";
import { TASK_PROMPT } from "./prompts/task.ts";
import type { SkillGraphState } from "./state.ts";
import type { ReuseCandidate } from "./types.ts";
import type { Example } from "../lifecycle/test-report.ts";
import type { PackageFiles } from "../lifecycle/packages/package-text.ts";

const BOUNDS = { intent: 8_000, examples: 12_000, example: 2_000, file: 24_000, candidates: 5 };

/** The LATM prompt for an intent as one text: the contract of a package, the intent, the examples. */
export function buildGenerationPrompt(intent: string, examples: readonly Example[] = []): string {
  return `${MAKER_PROMPT}\n\n${describeTask({ intent, shown: examples, held_back: [], candidates: [] })}`;
}

/** What a round's talk with the maker starts from. */
type Opening =
  & Pick<
    SkillGraphState,
    "intent" | "shown" | "held_back" | "candidates" | "files" | "evidence" | "attempts"
  >
  & Partial<Pick<SkillGraphState, "origin">>;

/**
 * The messages that open a round. A repair round starts anew from the files and the evidence, with earlier attempts
 * in one line each: what the maker is sent stays bounded, and every tool message has its call.
 */
export function openRound(state: Opening): readonly BaseMessage[] {
  const messages: BaseMessage[] = [new SystemMessage(MAKER_PROMPT), new HumanMessage(describeTask(state))];
  if (state.evidence !== "") return [...messages, new HumanMessage(describeRepair(state))];
  const started = Object.keys(state.files).length > 0;
  return started ? [...messages, new HumanMessage(describeFiles(state.files))] : messages;
}

function describeTask(
  task: Pick<Opening, "intent" | "shown" | "held_back" | "candidates" | "origin">,
): string {
  return [
    `${TASK_PROMPT.intent}\n${cut(task.intent, BOUNDS.intent)}`,
    task.origin ?? "",
    describeExamples(task.shown, task.held_back.length),
    describeCandidates(task.candidates),
  ].filter((part) => part !== "").join("\n\n");
}

function describeExamples(shown: readonly Example[], held: number): string {
  if (shown.length === 0) return "";
  const lines = shown.map((example) => {
    const { compare = "equal", expected, input, tool, description, files, artifacts } = example;
    const wanted = compare === "error"
      ? { expected_error: true }
      : { expected, ...(compare === "equal" ? {} : { compare }) };
    const named = tool === undefined ? {} : { tool };
    return cut(
      // keys without a value are left out
      JSON.stringify({ ...named, input, files, ...wanted, artifacts, description }),
      BOUNDS.example,
    );
  });
  const more = held > 0 ? ` ${TASK_PROMPT.heldBack(held)}` : "";
  return `${TASK_PROMPT.examples}${more}\n${cut(lines.join("\n"), BOUNDS.examples)}`;
}

function describeCandidates(candidates: readonly ReuseCandidate[]): string {
  if (candidates.length === 0) return "";
  const lines = candidates.slice(0, BOUNDS.candidates).map((candidate) => {
    const { skill_id, version, description, tried } = candidate;
    return JSON.stringify({ skill_id, version, description: cut(description, 300), tried: cut(tried, 300) });
  });
  return `${TASK_PROMPT.candidates}\n${lines.join("\n")}`;
}

function describeRepair(state: Opening): string {
  const earlier = state.attempts.slice(0, -1).map((line, index) => `- version ${index + 1}: ${line}`);
  return [
    state.evidence,
    earlier.length === 0 ? "" : `${REPAIR_PROMPT.earlier}\n${earlier.join("\n")}`,
    describeFiles(state.files),
    REPAIR_PROMPT.work,
  ].filter((part) => part !== "").join("\n\n");
}

function describeFiles(files: PackageFiles): string {
  const paths = Object.keys(files).sort();
  if (paths.length === 0) return TASK_PROMPT.noFiles;
  let room = BOUNDS.file;
  const parts = paths.map((path) => {
    const text = files[path] ?? "";
    if (text.length > room) return `${path}: ${text.length} characters, see read_skill_file`;
    room -= text.length;
    return `${path}:\n${fenced(text)}`;
  });
  return `${TASK_PROMPT.files}\n${parts.join("\n")}`;
}

/** A fence longer than any in the text, so that a file cannot end it. */
function fenced(text: string): string {
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text.endsWith("\n") ? text : `${text}\n`}${fence}`;
}
