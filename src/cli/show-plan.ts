import { plainText } from "../base/plain-text.ts";
import type { ExplainAnswer } from "../operations/explain.ts";
import type { Terminal } from "./terminal.ts";

/** How a tool would be run, for a person. */
export function showPlan(terminal: Terminal, answer: ExplainAnswer): string {
  const { skill_id, tool, generation, mode, policy, plan } = answer;
  const { style } = terminal;
  const row = (name: string, text: string): string => `${name.padEnd(14)} ${plainText(text)}`;
  const list = (items: readonly string[]): string =>
    items.length === 0 ? "nothing besides" : items.join(", ");
  return [
    `${style("bold", skill_id)} ${generation.version} ${tool}, ${mode}, not run`,
    row("sandbox", plan.backend),
    row("command", `${plan.command} (${plan.args.length} arguments, see --json)`),
    row("works in", plan.workdir),
    row("reads", list(policy.read)),
    row("writes", list(policy.write)),
    row(
      "network",
      plan.backend === "unsafe-none" ? "all: nothing holds it back" : networkText(policy.network),
    ),
    row("children", childrenText(answer)),
    row("limits", limitsText(answer)),
    row("environment", answer.environment.join(", ")),
    ...answer.credentials.map(({ name, set }) => row("credential", `${name}, ${set ? "set" : "not set"}`)),
    ...answer.enforced.map(({ capability, by }) =>
      row(
        "enforced",
        by === undefined ? `${capability}: ${style("red", "by nothing")}` : `${capability}: by ${by}`,
      )
    ),
  ].join("\n");
}

function networkText(network: ExplainAnswer["policy"]["network"]): string {
  if (network === true) return "every public host, through its proxy";
  return network === false || network.length === 0 ? "none" : `${network.join(", ")}, through its proxy`;
}

function childrenText({ policy, plan }: ExplainAnswer): string {
  if (plan.backend === "unsafe-none") return "all: nothing holds them back";
  if (!policy.spawn) return "none";
  return plan.group === undefined ? "allowed" : `allowed, in a control group below ${plan.group.parent}`;
}

function limitsText({ policy: { limits }, timeout_ms }: ExplainAnswer): string {
  const { cpu_seconds } = limits;
  return [
    `${timeout_ms / 1000} s a call`,
    `${limits.memory_mb} MB memory`,
    `${limits.cpu_percent} % of a core`,
    ...(cpu_seconds === undefined ? [] : [`${cpu_seconds} s of processor time`]),
    `${limits.file_size_mb} MB a file`,
    `${limits.scratch_mb} MB scratch`,
    ...(limits.disk_io_mb === undefined ? [] : [`${limits.disk_io_mb} MB of disk I/O a call`]),
    `${limits.open_files} open files`,
    `${limits.processes} processes and threads`,
  ].join(", ");
}
