import { z } from "zod";
import { SkillError, type SkillErrorValue } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { untilCancelled } from "../base/until-cancelled.ts";
import {
  activate,
  advanceStatus,
  disable,
  install,
  quarantine,
  rollback,
  setup,
  test,
  uninstall,
} from "../operations/lifecycle.ts";
import { list } from "../operations/list.ts";
import { search } from "../operations/search.ts";
import { logs, stats, status } from "../operations/observe.ts";
import { approve, editProposal, proposal, proposals, reject } from "../operations/generate.ts";
import { generateAndInstall, generateStatus } from "../operations/generate-and-install.ts";
import { listProcesses, startProcess, stopProcesses } from "../operations/processes.ts";
import { perform } from "../operations/perform.ts";
import { run } from "../operations/run.ts";
import { update } from "../operations/update.ts";
import type { Operation, OperationContext } from "../operations/types.ts";
import { OpenRequests } from "./open-requests.ts";
import { type HostEvent, type RequestEvents, requestEvents } from "./host-event.ts";

/** Version of the envelope. */
export const HOST_PROTOCOL = 1;

const requestId = z.union([z.string().max(200), z.number()]);

const envelope = z.object({
  v: z.literal(HOST_PROTOCOL),
  request_id: requestId,
  command: z.string().max(100),
  payload: z.record(z.string(), z.unknown()).default({}),
  events: z.boolean().default(false),
});

/** Answer to one envelope. */
export type HostAnswer =
  & { readonly v: typeof HOST_PROTOCOL; readonly request_id: string | number | null }
  & ({ readonly ok: true; readonly payload: unknown } | {
    readonly ok: false;
    readonly error: SkillErrorValue;
  });

/** A host command: what its payload must be, and what it does. */
export interface HostCommand {
  readonly payload: z.ZodType;
  /** @param open what the program asked for and was not answered yet */
  readonly handle: (context: OperationContext, payload: unknown, open: OpenRequests) => Promise<unknown>;
}

/** Host commands by name, and the operations behind them. */
export const HOST_COMMANDS: ReadonlyMap<string, HostCommand> = new Map([
  ["skill.install", handler(install)],
  ["skill.test", handler(test)],
  ["skill.activate", handler(activate)],
  ["skill.disable", handler(disable)],
  ["skill.quarantine", handler(quarantine)],
  ["skill.rollback", handler(rollback)],
  ["skill.advance_status", handler(advanceStatus)],
  ["skill.setup", handler(setup)],
  ["skill.update", handler(update)],
  ["skill.uninstall", handler(uninstall)],
  ["skill.status", handler(status)],
  ["skill.logs", handler(logs)],
  ["skill.stats", handler(stats)],
  ["skill.python.start", handler(startProcess)],
  ["skill.python.stop", handler(stopProcesses)],
  ["skill.python.list", handler(listProcesses)],
  ["skill.generate", handler(generateAndInstall)],
  ["skill.generate.status", handler(generateStatus)],
  ["skill.proposals", handler(proposals)],
  ["skill.proposal", handler(proposal)],
  ["skill.proposal.edit", handler(editProposal)],
  ["skill.approve", handler(approve)],
  ["skill.reject", handler(reject)],
  ["skill.list", handler(list)],
  ["skill.search", handler(search)],
  ["skill.run", handler(run)],
  ["request.cancel", cancelling()],
]);

function handler<Input, Output>(operation: Operation<Input, Output>): HostCommand {
  return {
    payload: operation.input,
    async handle(context, payload) {
      const work = perform(operation, context, payload);
      if (operation.mode !== "read_only") return await work;
      return await untilCancelled(work, context.signal, `"${operation.name}"`);
    },
  };
}

/** Ends another request: that one is answered with `cancelled`, or as ever where it was done by then. */
function cancelling(): HostCommand {
  const payload = z.object({ request_id: requestId });
  return {
    payload,
    handle: (context, given, open) =>
      perform(
        {
          name: "cancel",
          description: "End another request",
          mode: "read_only",
          input: payload,
          handler: (_context, { request_id }) =>
            Promise.resolve({ request_id, under_way: open.cancel(request_id) }),
        },
        context,
        given,
      ),
  };
}

/** Answers envelopes; never throws. */
export interface Host {
  /** @param onEvent told how the work goes, before the answer, where the envelope asks for it by `events: true` */
  handle(request: unknown, onEvent?: (event: HostEvent) => void): Promise<HostAnswer>;
}

/** A host for programs in any language: `{ v, request_id, command, payload, events? }` in, an answer out. */
export function createHost(context: OperationContext): Host {
  const open = new OpenRequests();
  return {
    async handle(request, onEvent): Promise<HostAnswer> {
      const parsed = envelope.safeParse(request);
      if (!parsed.success) {
        const error = new SkillError("invalid_input", `not an envelope: ${z.prettifyError(parsed.error)}`, {
          fix: `send {"v":${HOST_PROTOCOL},"request_id":"1","command":"skill.list","payload":{}}`,
        });
        return { v: HOST_PROTOCOL, request_id: requestIdOf(request), ok: false, error: error.toValue() };
      }
      const { request_id, command, payload, events } = parsed.data;
      const told = events && onEvent !== undefined ? requestEvents(request_id, onEvent) : undefined;
      const { signal, end } = open.begin(request_id, context.signal);
      try {
        const answer = await commandNamed(command).handle(
          telling({ ...context, signal }, told),
          payload,
          open,
        );
        return { v: HOST_PROTOCOL, request_id, ok: true, payload: answer };
      } catch (error) {
        const code = signal.aborted ? "cancelled" : "home_unusable";
        const value = SkillError.from(error, code, `"${command}" failed`).toValue();
        return { v: HOST_PROTOCOL, request_id, ok: false, error: value };
      } finally {
        end();
        told?.end();
      }
    },
  };
}

/** The host's context, with events also to who asked for them. */
function telling(context: OperationContext, told: RequestEvents | undefined): OperationContext {
  if (told === undefined) return context;
  return {
    ...context,
    onEvent(event) {
      context.onEvent?.(event);
      told.tell(event);
    },
  };
}

/** The id of a request that is wrong in another way, so that its sender knows which of his it is. */
function requestIdOf(request: unknown): string | number | null {
  const given = typeof request === "object" && request !== null && "request_id" in request
    ? request.request_id
    : null;
  return requestId.safeParse(given).data ?? null;
}

/** @throws {SkillError} `not_found`, with the nearest one or all */
function commandNamed(command: string): HostCommand {
  const known = HOST_COMMANDS.get(command);
  if (known !== undefined) return known;
  const meant = nearest(command, HOST_COMMANDS.keys());
  throw new SkillError("not_found", `there is no host command "${command}"`, {
    fix: meant === undefined
      ? `use one of ${[...HOST_COMMANDS.keys()].join(", ")}`
      : `did you mean "${meant}"`,
  });
}
