import { counted } from "../base/counted.ts";
import { plainText } from "../base/plain-text.ts";
import type { Finding } from "../manifest/types.ts";
import type { SkillProposal } from "../lifecycle/changes/proposals.ts";

/**
 * A proposal as a person needs it to decide: what it is for, what it may do, every file, finding and test result, and
 * the digest that an approval binds. Control characters of the maker's texts are made visible.
 *
 * @param strong marks a part as important, on a terminal for example by bold type
 * @param files stands in place of the files, which are shown whole without it
 */
export function proposalText(
  proposal: SkillProposal,
  strong: (text: string) => string = (text) => text,
  files?: string,
): string {
  return [
    `${strong(proposal.skill_id)} ${proposal.version}, proposal ${proposal.id}`,
    `  for          ${plainText(proposal.intent)}`,
    `  does         ${plainText(proposal.description)}`,
    `  maker        ${plainText(proposal.maker)}, ${counted(proposal.rounds, "round")}`,
    `  permissions  ${permissionText(proposal)}`,
    `  dependencies ${plainText(proposal.dependencies.join(", ")) || "none"}`,
    `  tests        ${testsText(proposal)}`,
    files ?? wholeFiles(proposal, strong),
    ...proposal.findings.map((finding) => findingText(finding)),
    `digest ${strong(proposal.digest)}`,
  ].join("\n");
}

/** How many of its tests and examples passed. */
export function testsText({ tests }: SkillProposal): string {
  const results = [...tests?.cases ?? [], ...tests?.examples ?? [], ...tests?.given ?? []];
  const passed = results.filter(({ status }) => status === "passed").length;
  return `${passed} passed, ${results.length - passed} failed`;
}

/** A finding in one or two lines. */
export function findingText(
  { severity, message, file, line, fix }: Finding,
  mark: (severity: Finding["severity"]) => string = (text) => text,
): string {
  const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`} `;
  return `  ${mark(severity)} ${plainText(place + message)}${
    fix === undefined ? "" : `\n    ${plainText(fix)}`
  }`;
}

function wholeFiles({ files }: SkillProposal, strong: (text: string) => string): string {
  return Object.entries(files).map(([path, text]) => `${strong(`--- ${plainText(path)}`)}\n${indented(text)}`)
    .join("\n");
}

function indented(text: string): string {
  return plainText(text.trimEnd()).split("\n").map((line) => `  ${line}`.trimEnd()).join("\n");
}

/** What it asks for, in a few words; `none` where it asks for nothing. */
export function permissionText(
  { permissions, credentials }: Pick<SkillProposal, "permissions" | "credentials">,
): string {
  const { network_access, file_read, file_write, process_spawn } = permissions;
  const parts = [
    network_access === true
      ? "the whole network"
      : network_access === false
      ? ""
      : `network: ${network_access.join(", ")}`,
    file_read.length === 0 ? "" : `reads ${file_read.join(", ")}`,
    file_write.length === 0 ? "" : `writes ${file_write.join(", ")}`,
    process_spawn ? "starts programs" : "",
    credentials.length === 0 ? "" : `secrets: ${credentials.map(({ name }) => name).join(", ")}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "none" : plainText(parts.join("; "));
}
