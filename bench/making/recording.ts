import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SKILL_ERROR_CODES } from "../../src/base/errors.ts";
import { type BaseMessage, ToolMessage } from "@langchain/core/messages";
import { type RecordedMessage, ReplayModel } from "../../examples/demo/recorded-model.ts";
import { intentOf, type MakingTask } from "./task.ts";

/** One answer of a maker, with what its request held that the answer stands on. */
export interface RecordedTurn extends RecordedMessage {
  /** Inputs, values, errors and findings, letter for letter, however they are worded around. */
  readonly holds: readonly string[];
  /** Whether each call of the answer before went well. */
  readonly calls: readonly boolean[];
}

/** The answers of a maker to one task. */
export interface MakingRecording {
  readonly task: string;
  /** Who played the maker, and whether carelessly on purpose. */
  readonly source: string;
  /** `promptsDigest()` at the time. */
  readonly prompts: string;
  readonly turns: RecordedTurn[];
}

/** The recordings of a folder with their file names, in the order in which they were made. */
export function readRecordings(folder: string): readonly (MakingRecording & { readonly file: string })[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  return files.map((file) => ({
    ...JSON.parse(readFileSync(join(folder, file), "utf8")) as MakingRecording,
    file,
  }));
}

/** Writes a recording as `<number>-<task>.json`; addresses of the run are not in it. */
export function writeRecording(
  folder: string,
  number: number,
  recording: MakingRecording,
  address: string | undefined,
): void {
  const name = recording.task.replace(/[^a-z0-9]+/gi, "-");
  const text = `${JSON.stringify(recording, null, 2)}\n`;
  const kept = address === undefined ? text : text.replaceAll(address, "{{service}}");
  writeFileSync(join(folder, `${String(number).padStart(2, "0")}-${name}.json`), kept);
}

/** A recorded answer with what it stands on. */
export function toTurn(
  message: RecordedMessage,
  request: readonly BaseMessage[],
  task: MakingTask,
): RecordedTurn {
  return { ...message, holds: factsOf(request, task), calls: latestCalls(request).map(wentWell) };
}

/**
 * A maker that says what was recorded. It refuses when its request does not hold what the recorded answer stands on,
 * or when calls of it that went well then fail now: then another course was taken than the recorded one.
 */
export function replayMaker(recording: MakingRecording, address: string | undefined): ReplayModel {
  const text = JSON.stringify(recording.turns);
  const turns = JSON.parse(
    address === undefined ? text : text.replaceAll("{{service}}", address),
  ) as RecordedTurn[];
  return new ReplayModel(turns, (number, request) => {
    const turn = turns[number];
    if (turn === undefined) return;
    const asked = request.map(({ text }) => text).join("\n");
    const missing = turn.holds.find((fact) => !asked.includes(fact));
    if (missing !== undefined) {
      throw new Error(
        `the request does not hold what recorded answer ${number + 1} stands on: ${missing.slice(0, 300)}`,
      );
    }
    const calls = latestCalls(request);
    const other = calls.findIndex((call, index) => wentWell(call) !== turn.calls[index]);
    if (calls.length === turn.calls.length && other === -1) return;
    throw new Error(
      `the calls before recorded answer ${number + 1} went otherwise than recorded: ${
        calls[other]?.text.slice(0, 600) ?? `${calls.length} instead of ${turn.calls.length}`
      }`,
    );
  });
}

/** What of a request an answer stands on: the task, and what its newest messages say of failures. */
function factsOf(request: readonly BaseMessage[], task: MakingTask): readonly string[] {
  const asked = request.map(({ text }) => text).join("\n");
  const inputs = task.visible.map(({ input }) => JSON.stringify(input)).filter((input) =>
    asked.includes(input)
  );
  const failures = [...evidenceOf(request), ...latestCalls(request).filter((call) => !wentWell(call))];
  return [
    intentOf(task).split("\n", 1)[0] ?? "",
    ...inputs,
    ...failures.flatMap(({ text }) => factsIn(text)),
  ];
}

/** Inputs that failed, what came of them, how many failed, exceptions, codes of errors, rules of findings. */
function factsIn(text: string): readonly string[] {
  const found = text.split("\n").flatMap((line) => [
    ...line.match(/(?<=\b(?:input|got): )\S.*$/) ?? [],
    ...line.match(/\b[A-Z]\w*(?:Error|Exception|Exit|Interrupt): .*$/) ?? [],
    ...line.match(/(?<=\[)[a-z]+\/[a-z-]+(?=\])/g) ?? [],
    ...line.match(/\b\d+ of \d+\b/g) ?? [],
    ...(line.match(/\b[a-z]+(?:_[a-z]+)+(?=: )/g) ?? []).filter((word) =>
      Object.hasOwn(SKILL_ERROR_CODES, word)
    ),
  ]);
  return [...new Set(found)];
}

/** The message that opens a repair: the third, where there is one. */
function evidenceOf(request: readonly BaseMessage[]): readonly BaseMessage[] {
  return request.slice(2).filter((message) => message.getType() === "human");
}

/** What was answered to the calls of the last reply. */
function latestCalls(request: readonly BaseMessage[]): readonly ToolMessage[] {
  const last = request.findLastIndex((message) => !ToolMessage.isInstance(message));
  return request.slice(last + 1).filter((message) => ToolMessage.isInstance(message));
}

function wentWell({ status }: ToolMessage): boolean {
  return status !== "error";
}
