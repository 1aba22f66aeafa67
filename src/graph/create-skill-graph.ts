import {
  type AnnotationRoot,
  END,
  START,
  StateGraph,
  type StateType,
  type UpdateType,
} from "@langchain/langgraph";
import { type GraphContext, graphContext, recursionLimit } from "./config.ts";
import { approvalNode } from "./nodes/approval.ts";
import { decline } from "./nodes/decline.ts";
import { discover } from "./nodes/discover.ts";
import { finish } from "./nodes/finish.ts";
import { generate } from "./nodes/generate.ts";
import { activate, handshake, index, install } from "./nodes/install.ts";
import { propose } from "./nodes/propose.ts";
import { stage } from "./nodes/stage.ts";
import { test } from "./nodes/test.ts";
import { validate } from "./nodes/validate.ts";
import { verify } from "./nodes/verify.ts";
import { writeTools } from "./nodes/write-tools.ts";
import {
  afterApproval,
  afterDecline,
  afterDiscover,
  afterGenerate,
  afterTest,
  afterValidate,
  afterVerify,
  afterWriteTools,
  unlessFailed,
} from "./routes.ts";
import { type GraphNode, stageNode, type StageWork } from "./stage-node.ts";
import {
  inputAnnotation,
  type InputChannels,
  outputAnnotation,
  type OutputChannels,
  stateAnnotation,
  type StateChannels,
} from "./state.ts";
import type { SkillGraphOptions } from "./types.ts";

/** Names of the nodes. */
export type SkillGraphNode =
  | "discover"
  | "stage"
  | "generate"
  | "write_tools"
  | "validate"
  | "test"
  | "verify"
  | "propose"
  | "approval"
  | "decline"
  | "install"
  | "handshake"
  | "activate"
  | "index"
  | "finish";

type Names = SkillGraphNode | typeof START;

/** The generation graph, not compiled: the caller chooses checkpointer and store. */
export type SkillGraph = StateGraph<
  AnnotationRoot<StateChannels>,
  StateType<StateChannels>,
  UpdateType<StateChannels>,
  Names,
  AnnotationRoot<InputChannels>,
  AnnotationRoot<OutputChannels>
>;

/**
 * The graph that makes a skill from an intent: it looks for one that does it already, has the maker write files,
 * validates and tests them in the sandbox, repairs them with the evidence, asks a person, installs and indexes.
 *
 * ```ts
 * const graph = createSkillGraph({ skills, model }).compile({ checkpointer });
 * await graph.invoke({ intent, examples }, { configurable: { thread_id } });          // interrupts with an ApprovalRequest
 * await graph.invoke(new Command({ resume: { decision: "approve", digest } }), …);    // { outcome }
 * ```
 *
 * Without a checkpointer it ends `proposed`. Compiled, it has the recursion limit that its budgets need, whatever config it is called with.
 */
export function createSkillGraph(options: SkillGraphOptions): SkillGraph {
  return buildSkillGraph(graphContext(options));
}

/** The graph bound to a context. */
export function buildSkillGraph(context: GraphContext): SkillGraph {
  const node = (name: SkillGraphNode, work: StageWork): GraphNode => stageNode(context, name, work);
  const builder: SkillGraph = new StateGraph(stateAnnotation(), {
    input: inputAnnotation(),
    output: outputAnnotation(),
  })
    .addNode("discover", node("discover", discover))
    .addNode("stage", node("stage", stage))
    .addNode("generate", node("generate", generate))
    .addNode("write_tools", node("write_tools", writeTools))
    .addNode("validate", node("validate", validate))
    .addNode("test", node("test", test))
    .addNode("verify", node("verify", verify))
    .addNode("propose", node("propose", propose))
    .addNode("approval", approvalNode(context))
    .addNode("decline", node("decline", decline))
    .addNode("install", node("install", install))
    .addNode("handshake", node("handshake", handshake))
    .addNode("activate", node("activate", activate))
    .addNode("index", node("index", index))
    .addNode("finish", node("finish", finish))
    .addEdge(START, "discover")
    .addConditionalEdges("discover", afterDiscover, ["stage", "finish"])
    .addEdge("stage", "generate")
    .addConditionalEdges("generate", afterGenerate, ["write_tools", "validate", "finish"])
    .addConditionalEdges("write_tools", (state) => afterWriteTools(context, state), [
      "generate",
      "validate",
      "finish",
    ])
    .addConditionalEdges("validate", afterValidate, ["test", "generate", "approval", "finish"])
    .addConditionalEdges("test", afterTest, ["verify", "generate", "approval", "finish"])
    .addConditionalEdges("verify", afterVerify, ["propose", "generate", "approval", "finish"])
    .addConditionalEdges("propose", unlessFailed("approval"), ["approval", "finish"])
    .addConditionalEdges("approval", afterApproval, ["install", "decline", "validate", "approval", "finish"])
    .addConditionalEdges("decline", afterDecline, ["generate", "finish"])
    .addConditionalEdges("install", unlessFailed("handshake"), ["handshake", "finish"])
    .addConditionalEdges("handshake", unlessFailed("activate"), ["activate", "finish"])
    .addConditionalEdges("activate", unlessFailed("index"), ["index", "finish"])
    .addEdge("index", "finish")
    .addEdge("finish", END);
  return withRecursionLimit(builder, recursionLimit(context.config));
}

/**
 * Compiled, the graph never runs with less than its budgets need. A limit in the compiled graph's own config would not
 * do: called with the config of an agent's tool, that one's limit wins.
 */
function withRecursionLimit(builder: SkillGraph, limit: number): SkillGraph {
  const compile = builder.compile.bind(builder);
  builder.compile = (options) => {
    const compiled = compile(options);
    const stream = compiled.stream.bind(compiled);
    compiled.stream = (input, options) =>
      stream(
        input,
        { ...options, recursionLimit: Math.max(limit, options?.recursionLimit ?? 0) } as typeof options,
      );
    return compiled;
  };
  return builder;
}
