export { openSkills, type OpenSkillsOptions, type Skills } from "./skills.ts";
export { VERSION } from "./version.ts";

export {
  SKILL_ERROR_CODES,
  SkillError,
  type SkillErrorCode,
  type SkillErrorOptions,
  type SkillErrorValue,
} from "./base/errors.ts";
export { type ErrorClass, errorClass } from "./base/error-class.ts";
export type { Json } from "./base/json.ts";
export { LIMIT_NAMES, type LimitName } from "./sandbox/limit-names.ts";

export { skillTool, skillTools, type SkillToolsOptions } from "./tools/skill-tools.ts";
export { scriptTool, type ScriptToolOptions } from "./tools/script-tool.ts";
export { SkillToolkit } from "./tools/toolkit.ts";
export type { FoundSkill, SearchFilters } from "./operations/search.ts";
export type { ToolMode } from "./operations/tool-mode.ts";

export { createSkillGraph } from "./graph/create-skill-graph.ts";
export {
  generateProposal,
  indexProposal,
  installProposal,
  type InstallProposalOptions,
} from "./graph/generate.ts";
export { buildGenerationPrompt } from "./graph/maker-prompt.ts";
export { proposalText } from "./graph/proposal-text.ts";
export { type ReviseOptions, reviseProposal } from "./graph/revise.ts";
export { validateStagedSkill } from "./graph/validate-staged.ts";
export type {
  ApprovalAnswer,
  ApprovalRequest,
  Budget,
  GenerateRequest,
  GenerationReport,
  GeneratorConfig,
  GeneratorOutcome,
  GraphEvent,
  ReuseCandidate,
  SkillGraphOptions,
  SkillSource,
} from "./graph/types.ts";

export { createHost, type Host, type HostAnswer } from "./host/host.ts";
export type { HostEvent } from "./host/host-event.ts";

// the papers' functions, by their names
export {
  activatePythonSkill,
  advancePythonSkillStatus,
  disablePythonSkill,
  installPythonSkill,
  listPythonSkills,
  type PythonSkillOptions,
  type PythonSkills,
  quarantinePythonSkill,
  rollbackPythonSkill,
} from "./lifecycle/python-skills.ts";
export {
  loadPythonRegistry,
  PythonSkillRegistry,
  savePythonRegistry,
} from "./lifecycle/projections/python-registry.ts";
export { canTransition as canTransitionTo, isRunnable } from "./lifecycle/records/status.ts";
export type { PythonSkillRecord } from "./lifecycle/projections/skill-projection.ts";
export type { SkillInfo as PythonSkillInfo, SkillStatus as PythonSkillStatus } from "./lifecycle/types.ts";

export type { Embedder, SearchMatch } from "./discovery/types.ts";
export type { SkillLibrary } from "./lifecycle/skill-library.ts";
export type { Example, ExampleResult, TestReport } from "./lifecycle/test-report.ts";
export type { GenerationInfo, SkillHealth, SkillInfo, SkillStatus } from "./lifecycle/types.ts";
export type { HomeSettings } from "./lifecycle/storage/home-settings.ts";
export type { PackageFiles } from "./lifecycle/packages/package-text.ts";
export type { RunOptions, RunResult } from "./lifecycle/serving/run.ts";
export type { SkillProposal } from "./lifecycle/changes/proposals.ts";
export type { ValidationReport } from "./lifecycle/validation/validate.ts";
export type { Finding, Permissions, PythonManifest, ResourceLimits, ToolSpec } from "./manifest/types.ts";
export type { BackendName, Capability, SandboxBackend, SandboxReport } from "./sandbox/types.ts";
