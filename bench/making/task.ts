import { readFileSync } from "node:fs";
import { z } from "zod";
import { checkExamples } from "../../src/lifecycle/validation/examples.ts";
import type { Json } from "../../src/base/json.ts";
import type { Example } from "../../src/lifecycle/test-report.ts";

/** A tool that is to be made: what a maker is told, and how it is scored. */
export interface MakingTask {
  readonly id: string;
  /** One line. */
  readonly intent: string;
  readonly spec: string;
  readonly interface?: Interface | undefined;
  /** Given to the graph as examples. */
  readonly visible: readonly Example[];
  /** The score: nobody but this benchmark sees them. They run in this order. */
  readonly hidden: readonly Example[];
  /** Packages that are installed before, relative to `file`. */
  readonly skills: readonly string[];
  /** Hosts that generated skills may ask for while this task is in the run. */
  readonly network: readonly string[];
  /** Values of credentials, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly service?: ServiceSpec | undefined;
  /** Where the task was read from. */
  readonly file: string;
}

/** Names and types on the wire. */
interface Interface {
  readonly input: Readonly<Record<string, string>>;
  readonly output: string;
  readonly errors: boolean;
}

/** A service on loopback; its address stands as `{{service}}` in the other values of the task. */
export interface ServiceSpec {
  /** The header that must hold the key. */
  readonly header: string;
  readonly key: string;
  /** Answers by path and query. */
  readonly routes: Readonly<Record<string, Json>>;
}

type TaskRow = Omit<MakingTask, "visible" | "hidden" | "network" | "file"> & {
  readonly network: boolean | readonly string[];
  readonly checks: readonly (Readonly<Record<string, unknown>> & { readonly visible: boolean })[];
};

const taskRow: z.ZodType<TaskRow> = z.object({
  id: z.string().min(1).max(200),
  intent: z.string().min(1),
  spec: z.string().default(""),
  interface: z.object({ input: z.record(z.string(), z.string()), output: z.string(), errors: z.boolean() })
    .optional(),
  checks: z.array(z.looseObject({ visible: z.boolean() })).min(1),
  skills: z.array(z.string()).default([]),
  network: z.union([z.boolean(), z.array(z.string())]).default(false),
  secrets: z.record(z.string(), z.string()).default({}),
  service: z.object({ header: z.string(), key: z.string(), routes: z.record(z.string(), z.json()) })
    .optional(),
});

/** Reads tasks, one JSON object a line. @throws {Error} naming the line that is no task */
export function readTasks(file: string): readonly MakingTask[] {
  const lines = readFileSync(file, "utf8").split("\n").filter((line) => line.trim() !== "");
  return lines.map((line, index) => readTask(line, file, `${file} line ${index + 1}`));
}

/** The task with the address of its service in place of `{{service}}`. */
export function withService(task: MakingTask, address: string): MakingTask {
  return JSON.parse(JSON.stringify(task).replaceAll("{{service}}", address)) as MakingTask;
}

/** What the maker is asked for, in plain words. */
export function intentOf({ intent, spec, interface: form }: MakingTask): string {
  const wire = form === undefined
    ? ""
    : `Input: ${JSON.stringify(form.input)}. Output: ${form.output}.${
      form.errors ? " Input that makes no sense must be an error." : ""
    }`;
  return [intent, spec, wire].filter((part) => part !== "").join("\n\n");
}

function readTask(line: string, file: string, place: string): MakingTask {
  const parsed = taskRow.safeParse(JSON.parse(line));
  if (!parsed.success) throw new Error(`${place} is no task: ${z.prettifyError(parsed.error)}`);
  const { checks, network, ...task } = parsed.data;
  const examples = checkExamples(checks.map(toExample));
  const those = (visible: boolean) => examples.filter((_, index) => checks[index]?.visible === visible);
  return {
    ...task,
    file,
    network: typeof network === "boolean" ? [] : network,
    visible: those(true),
    hidden: those(false),
  };
}

/** What a caller could give of a check: no description, no mark. */
function toExample(row: TaskRow["checks"][number]): unknown {
  const keys = row["compare"] === "error"
    ? ["input", "compare", "tool", "files"]
    : ["input", "expected", "compare", "tool", "files", "artifacts"];
  const given = Object.fromEntries(keys.map((key) => [key, row[key]]));
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
