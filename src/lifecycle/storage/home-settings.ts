import type { Permissions, ResilienceSpec, ResourceLimits } from "../../manifest/types.ts";

/** The settings of a home: defaults, narrowed by `config.toml`, narrowed by the host's options. */
export interface HomeSettings {
  readonly python_skills: {
    readonly enabled: boolean;
    readonly timeout: number;
    readonly handshake_timeout: number;
    readonly max_concurrent: number;
    readonly max_restarts: number;
    readonly restart_backoff: readonly number[];
    readonly health_check_interval: number;
    readonly idle_timeout: number;
    readonly spares: number;
    readonly max_message_bytes: number;
  };
  readonly security: {
    /** False runs everything without a sandbox. Only the host's code can say so. */
    readonly sandbox_enabled: boolean;
    /** What every skill has without asking for it. `./` is its package, `/tmp` its scratch folder. */
    readonly default_permissions: Permissions;
    /** The most that any skill may be granted. */
    readonly max_permissions: Permissions;
    /** The most that a generated skill may ask for. */
    readonly generated_permissions: Permissions;
    readonly resource_limits: ResourceLimits;
  };
  readonly resilience: {
    readonly retry_config: Required<NonNullable<ResilienceSpec["retry_config"]>>;
    readonly circuit_breaker: Required<NonNullable<ResilienceSpec["circuit_breaker"]>>;
    readonly health_check: Required<NonNullable<ResilienceSpec["health_check"]>>;
  };
  readonly performance: {
    readonly execution: {
      /** Whether calls run side by side at all. */
      readonly parallel_execution: boolean;
      /** Calls that run at the same time, of all skills. */
      readonly max_concurrent_skills: number;
      /** Calls that may wait for their turn. */
      readonly execution_queue_size: number;
    };
  };
  /** Where a team keeps its skills. */
  readonly registry: {
    /** What git can fetch; nothing is compared without it. */
    readonly remote?: string | undefined;
    readonly branch: string;
  };
  readonly spaces: {
    /** A folder in which skills are developed, and the hub that keeps their drafts. */
    readonly dev: {
      /** Holds `<id>/`; a relative path begins at the home. */
      readonly folder?: string | undefined;
      readonly remote?: string | undefined;
      readonly branch: string;
      /** Files with which the hub knows who asks. */
      readonly client_cert?: string | undefined;
      readonly client_key?: string | undefined;
    };
  };
  readonly generator: {
    readonly max_llm_turns: number;
    readonly max_test_rounds: number;
    readonly discovery_threshold: number;
    readonly reuse: "verified" | "threshold";
    /** Tokens of maker and verifier together. */
    readonly max_tokens: number;
    /** Time for making, without waiting for a person. */
    readonly max_seconds: number;
    /** `no_permissions`: what is new, asks for nothing and passed its tests is approved without a person. */
    readonly auto_approve: "never" | "no_permissions";
  };
}
