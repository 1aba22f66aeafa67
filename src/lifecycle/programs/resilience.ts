import { commandWords } from "../../manifest/command-words.ts";
import type { PythonManifest } from "../../manifest/types.ts";
import { ResilientCalls } from "../../runner/resilience/resilient-calls.ts";
import type { Resilience } from "../../runner/resilience/types.ts";
import type { Runner } from "../../runner/types.ts";
import type { HomeSettings } from "../storage/home-settings.ts";
import type { ResolvedManifest } from "../types.ts";
import { toolTimeout } from "./program.ts";

/** What holds for one skill: its manifest, filled in by the home's settings. */
export function resilienceOf(
  { resilience: own = {} }: Pick<PythonManifest, "resilience">,
  { resilience: home }: Pick<HomeSettings, "resilience">,
): Resilience {
  const retry = { ...home.retry_config, ...own.retry_config };
  const breaker = { ...home.circuit_breaker, ...own.circuit_breaker };
  const fallback = own.fallback_command === undefined ? undefined : commandWords(own.fallback_command);
  return {
    retry: {
      maxAttempts: own.retry_attempts === undefined ? retry.max_attempts : own.retry_attempts + 1,
      backoff: retry.backoff_strategy,
      retryOn: retry.retry_on,
    },
    breaker: {
      failureThreshold: breaker.failure_threshold,
      recoveryMs: breaker.recovery_timeout * 1000,
    },
    ...(own.timeout === undefined ? {} : { timeoutMs: own.timeout * 1000 }),
    ...(fallback === undefined ? {} : { fallback }),
  };
}

/** The calls of one generation: one breaker, its tools' times and marks. */
export function resilientCalls(
  runner: Runner,
  resolved: ResolvedManifest,
  settings: HomeSettings,
): ResilientCalls {
  const { manifest, tools, limits } = resolved;
  const most = Math.min(limits.max_execution_time, settings.security.resource_limits.max_execution_time) *
    1000;
  const resilience = resilienceOf(manifest, settings);
  return new ResilientCalls({
    runner,
    id: manifest.id,
    resilience: { ...resilience, ...within(most, resilience) },
    tryMs: (tool) => toolTimeout(resolved, tool, settings) * 1000,
    isIdempotent: (tool) => {
      const { idempotent = false, pure = false } = tools.find(({ name }) => name === tool) ?? {};
      return idempotent || pure;
    },
  });
}

function within(most: number, { timeoutMs }: Resilience): Pick<Resilience, "timeoutMs"> {
  return timeoutMs === undefined ? {} : { timeoutMs: Math.min(timeoutMs, most) };
}
