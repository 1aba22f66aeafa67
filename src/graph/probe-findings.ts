import type { Finding } from "../manifest/types.ts";
import type { ProbeResult, TestReport } from "../lifecycle/test-report.ts";

/** What a test noticed beyond the examples and did not hold against the skill, for the person who decides. */
export function probeFindings({ probes = [] }: TestReport): readonly Finding[] {
  return probes.filter(({ status }) => status === "noted").map(toFinding);
}

function toFinding({ probe, tool, what, message = "" }: ProbeResult): Finding {
  return {
    severity: "warning",
    rule: probe === "repeat" ? "tests/not-deterministic" : "tests/odd-input",
    message: `"${tool}", ${what}: ${message}`,
  };
}
