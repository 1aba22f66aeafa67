import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { z } from "zod";
import type { Environments } from "../environment/types.ts";
import type { GraphEvent, GraphSkills } from "../graph/types.ts";
import type { Actor } from "../lifecycle/types.ts";
import type { SandboxBackend } from "../sandbox/types.ts";
import type { ToolMode } from "./tool-mode.ts";

/** What operations need of an opened home. `openSkills` gives it. */
export interface OperationSkills extends GraphSkills {
  readonly sandbox: SandboxBackend;
  readonly environments: Environments;
}

/** Who calls, on what, and what comes with the call. */
export interface OperationContext {
  readonly skills: OperationSkills;
  readonly actor: Actor;
  /** What the caller may do. Default: everything; a front door for models narrows it. */
  readonly mode?: ToolMode;
  readonly signal?: AbortSignal;
  /** The chat model that writes skills. Absent: a template does, and says so. */
  readonly maker?: { readonly model: BaseChatModel; readonly name: string };
  /** Another model, which writes checks of its own for what the maker wrote. */
  readonly verifier?: BaseChatModel;
  /** Told of each stage of long work. */
  readonly onEvent?: (event: OperationEvent) => void;
}

/** Progress of long work. */
export interface OperationEvent {
  /** As in `GraphEvent`: a stage as a whole, or what happens within one. */
  readonly kind: GraphEvent["kind"];
  readonly stage: string;
  readonly status: "started" | "finished" | "failed";
  /** Of a generation: the version that is being made, from 1. */
  readonly round?: number;
  /** With the end of a stage. */
  readonly ms?: number;
  readonly detail?: string;
}

/**
 * One use case. Front doors (tools, host, command line) are tables over operations: they translate names and show
 * results, and decide nothing.
 */
export interface Operation<Input = never, Output = unknown> {
  readonly name: string;
  readonly description: string;
  /** The least tool mode that allows it. */
  readonly mode: ToolMode;
  readonly input: z.ZodType<Input>;
  readonly handler: (context: OperationContext, input: Input) => Promise<Output>;
}
