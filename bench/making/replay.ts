import { promptsDigest } from "./prompts-digest.ts";
import { readRecordings, replayMaker } from "./recording.ts";
import type { TaskRow } from "./run-task.ts";
import { runTasks } from "./run-tasks.ts";
import type { MakingTask } from "./task.ts";

/** What a replay of recordings gave. */
export interface Replayed {
  readonly rows: readonly TaskRow[];
  /** Tasks whose recording was made with other prompts than the maker gets now. */
  readonly drifted: readonly string[];
}

/** Options of a replay. */
export interface ReplayOptions {
  /** The home. */
  readonly dir: string;
  /** Only the recordings of these tasks. */
  readonly only?: readonly string[] | undefined;
  /** Told of each row, once it is there. */
  readonly tell?: (row: TaskRow) => void;
}

/** Runs the tasks of a folder's recordings, in their order, with the recorded answers for a maker. */
export async function replayAll(
  folder: string,
  tasks: readonly MakingTask[],
  { dir, only, tell }: ReplayOptions,
): Promise<Replayed> {
  const recordings = readRecordings(folder).filter(({ task }) => only?.includes(task) ?? true);
  const prompts = promptsDigest();
  const assignments = recordings.map((recording) => {
    const task = tasks.find(({ id }) => id === recording.task);
    if (task === undefined) {
      throw new Error(`${recording.file} is of a task that is not there: ${recording.task}`);
    }
    return {
      task,
      maker: (_: MakingTask, address: string | undefined) => replayMaker(recording, address),
      ...(tell === undefined ? {} : { done: tell }),
    };
  });
  return {
    rows: await runTasks(dir, assignments, "recording"),
    drifted: recordings.filter((recording) => recording.prompts !== prompts).map(({ task }) => task),
  };
}
