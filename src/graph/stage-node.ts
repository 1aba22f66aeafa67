import { isGraphBubbleUp, type LangGraphRunnableConfig } from "@langchain/langgraph";
import { SkillError } from "../base/errors.ts";
import type { GraphContext } from "./config.ts";
import { discardStaging } from "./staging.ts";
import type { SkillGraphState, StagedFiles, StateUpdate } from "./state.ts";
import type { Budget, GraphEvent } from "./types.ts";

/** A node of the graph. */
export type GraphNode = (state: SkillGraphState, config: LangGraphRunnableConfig) => Promise<StateUpdate>;

/** What a stage gets besides the state. */
export interface StageRun {
  /** Ends when the caller cancels, or the time for making a skill is over. */
  readonly signal: AbortSignal | undefined;
  readonly emit: (event: StageEvent) => void;
  /** To be told of each folder that is staged: when the stage does not come to its end, they are thrown away. */
  readonly onStaged: (staged: StagedFiles) => void;
}

/** What a stage tells; the round is added to it. */
export type StageEvent = Omit<GraphEvent, "round">;

/** The work of one stage. */
export type StageWork = (
  context: GraphContext,
  state: SkillGraphState,
  run: StageRun,
) => Promise<StateUpdate>;

/** Stages whose time counts against `max_seconds`. Waiting for a person, and installing, do not. */
const MAKING: ReadonlySet<string> = new Set(["generate", "write_tools", "validate", "test", "verify"]);

/**
 * Binds a stage to its context: tells when it starts and ends, adds up its time, and turns a `SkillError` into the
 * end of the run with that code. Interrupts, cancellation by the caller and errors of any other kind pass through.
 */
export function stageNode(context: GraphContext, stage: string, work: StageWork): GraphNode {
  return async (state, config) => {
    const started = performance.now();
    // a run begins with the first stage, whatever the thread's last one left in the state
    const round = stage === "discover" ? 1 : state.round;
    const emit = (event: StageEvent): void => config.writer?.({ ...event, round } satisfies GraphEvent);
    emit({ kind: "stage", stage, status: "started" });
    const made: StagedFiles[] = [];
    const onStaged = (staged: StagedFiles): void => void made.push(staged);
    let update: StateUpdate;
    try {
      update = await inTime(
        context,
        stage,
        state,
        config.signal,
        (signal) => work(context, state, { signal, emit, onStaged }),
      );
    } catch (error) {
      await discardMade(context, state, made);
      if (isGraphBubbleUp(error) || config.signal?.aborted === true || !SkillError.isInstance(error)) {
        emit({ kind: "stage", stage, status: "failed", ms: since(started) });
        throw error;
      }
      update = { failure: error.toValue() };
    }
    const ms = since(started);
    const { failure = null, stages_ms: before = state.stages_ms } = update;
    const result = failure === null
      ? { status: "finished", ...(stage === "discover" ? { detail: update.reuse ?? "" } : {}) } as const
      : { status: "failed", detail: failure.message } as const;
    emit({ kind: "stage", stage, ms, ...result });
    return { ...update, stages_ms: { ...before, [stage]: tenths((before[stage] ?? 0) + ms) } };
  };
}

/** What the state does not know nobody would throw away. */
async function discardMade(
  { skills }: GraphContext,
  { staged: known }: SkillGraphState,
  made: readonly StagedFiles[],
): Promise<void> {
  for (const staged of made) {
    if (staged.key !== known?.key) await discardStaging(skills.library, staged).catch(() => {});
  }
}

/** Runs the work of a making stage within what is left of `max_seconds`. @throws {SkillError} `budget_exceeded` */
async function inTime(
  context: GraphContext,
  stage: string,
  state: SkillGraphState,
  caller: AbortSignal | undefined,
  work: (signal: AbortSignal | undefined) => Promise<StateUpdate>,
): Promise<StateUpdate> {
  if (!MAKING.has(stage)) return await work(caller);
  const deadline = AbortSignal.timeout(remaining(state, context));
  const signal = caller === undefined ? deadline : AbortSignal.any([caller, deadline]);
  try {
    return await unlessAborted(work(signal), signal);
  } catch (error) {
    if (!deadline.aborted || caller?.aborted === true) throw error;
    throw new SkillError(
      "budget_exceeded",
      `making the skill took longer than ${context.config.max_seconds} s`,
      {
        cause: error,
        fix: "raise generator.max_seconds, or give a smaller intent",
        details: { budget: "seconds" satisfies Budget },
      },
    );
  }
}

function remaining(state: SkillGraphState, { config }: GraphContext): number {
  const spent = Object.entries(state.stages_ms)
    .reduce((sum, [stage, ms]) => sum + (MAKING.has(stage) ? ms : 0), 0);
  return Math.max(0, Math.ceil(config.max_seconds * 1000 - spent));
}

function since(started: number): number {
  return tenths(performance.now() - started);
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** The result of `work`, or an error as soon as the signal ends: a model that ignores the signal holds nothing up. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
  });
  aborted.catch(() => {});
  work.catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) stop();
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
