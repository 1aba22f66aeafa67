import { expect, test } from "vitest";
import { resilienceOf } from "../../../src/lifecycle/programs/resilience.ts";
import { DEFAULT_SETTINGS } from "../../../src/lifecycle/storage/settings.ts";
import { parseManifest } from "../../../src/manifest/manifest.ts";

function read(toml: string) {
  const { manifest } = parseManifest(`id = "s"\nname = "S"\nversion = "1.0.0"\ndescription = "d"\n${toml}`);
  return resilienceOf(manifest, DEFAULT_SETTINGS);
}

test("resilienceOf gives a skill that says nothing the defaults", () => {
  expect(read("")).toEqual({
    retry: {
      maxAttempts: 3,
      backoff: "exponential",
      retryOn: ["timeout", "resource_limit", "network_error"],
    },
    breaker: { failureThreshold: 5, recoveryMs: 60_000 },
  });
});

test("resilienceOf takes what the manifest says over the home's settings", () => {
  const toml = `[resilience]
timeout = 12
fallback_command = "echo 'Fallback executed'"
[resilience.retry_config]
max_attempts = 2
backoff_strategy = "constant"
retry_on = ["process_died"]
[resilience.circuit_breaker]
failure_threshold = 7
`;
  expect(read(toml)).toEqual({
    retry: { maxAttempts: 2, backoff: "constant", retryOn: ["process_died"] },
    breaker: { failureThreshold: 7, recoveryMs: 60_000 },
    timeoutMs: 12_000,
    fallback: ["echo", "Fallback executed"],
  });
});

test("resilienceOf reads retry_attempts as the tries after the first one", () => {
  expect(read("[resilience]\nretry_attempts = 2\n").retry.maxAttempts).toBe(3);
  expect(read("[resilience]\nretry_attempts = 0\n").retry.maxAttempts).toBe(1);
});

test.each([
  ['fallback_command = "/bin/sh -c x"', "neither a name nor a file of the package"],
  ['fallback_command = "echo \'x"', "a quote is not closed"],
  ["retry_attempts = 2\n[resilience.retry_config]\nmax_attempts = 2", "max_attempts says the same"],
  ['[resilience.retry_config]\nretry_on = ["everything"]', "retry_on"],
])("a manifest with %j is refused", (toml, reason) => {
  expect(() => read(`[resilience]\n${toml}\n`)).toThrow(reason);
});
