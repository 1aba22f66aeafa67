import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { openSkills, type Skills } from "../../src/skills.ts";
import { runTask, type TaskRow } from "./run-task.ts";
import { type StandIn, startService } from "./service.ts";
import { type MakingTask, withService } from "./task.ts";

/** A task with the maker that is to solve it. `address` is that of its service. */
export interface Assignment {
  readonly task: MakingTask;
  readonly maker: (task: MakingTask, address: string | undefined) => BaseChatModel;
  /** Told of the row, once it is there. */
  readonly done?: (row: TaskRow, address: string | undefined) => void;
}

/**
 * Has the tasks solved one after the other in one home, so that the library grows and each task could take a skill of
 * an earlier one.
 *
 * @param dir the home; its settings are written
 */
export async function runTasks(
  dir: string,
  assignments: readonly Assignment[],
  maker: string,
): Promise<readonly TaskRow[]> {
  const services = new Map<MakingTask, StandIn>();
  try {
    for (const { task } of assignments) {
      if (task.service !== undefined) services.set(task, await startService(task.service));
    }
    const ready = assignments.map((assignment) => {
      const address = services.get(assignment.task)?.address;
      return { ...assignment, address, task: withService(assignment.task, address ?? "") };
    });
    await using skills = await openHome(dir, ready.map(({ task }) => task));
    const rows: TaskRow[] = [];
    for (const { task, address, maker: make, done } of ready) {
      const row = await runTask(skills, task, { model: make(task, address), maker });
      rows.push(row);
      done?.(row, address);
    }
    return rows;
  } finally {
    services.forEach((service) => service.close());
  }
}

/** What generated skills may ask for can only be widened by the home's own settings. */
async function openHome(dir: string, tasks: readonly MakingTask[]): Promise<Skills> {
  mkdirSync(dir, { recursive: true });
  const hosts = [...new Set(tasks.flatMap(({ network }) => network))];
  const secrets: Readonly<Record<string, string>> = Object.assign({}, ...tasks.map((task) => task.secrets));
  writeFileSync(
    join(dir, "config.toml"),
    `[security.generated_permissions]\nnetwork_access = ${JSON.stringify(hosts)}\n`,
  );
  return await openSkills({
    dir,
    secrets: (_skill, name) => Object.hasOwn(secrets, name) ? secrets[name] : undefined,
  });
}
