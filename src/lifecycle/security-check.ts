import type { Finding, Permissions } from "../manifest/types.ts";
import type { ScriptOutline } from "../runner/types.ts";

interface CallRule {
  readonly rule: string;
  readonly names: RegExp;
  readonly message: (name: string) => string;
  readonly fix: string;
  /** Left out when the skill has the permission. */
  readonly unless?: (permissions: Permissions) => boolean;
}

const RULES: readonly CallRule[] = [
  {
    rule: "security/dynamic-code",
    names: /^(?:builtins\.)?(?:eval|exec|compile|__import__)$|^importlib\.(?:import_module|util\..*)$/,
    message: (name) => `${name}() runs or loads code that is not in the file`,
    fix: "write what it does as plain code; for literals use ast.literal_eval or json.loads",
  },
  {
    rule: "security/unsafe-deserialisation",
    names:
      /^(?:pickle|cPickle|dill|shelve|marshal)\.(?:loads?|Unpickler|open)$|^yaml\.(?:load|unsafe_load|full_load)$|^joblib\.load$/,
    message: (name) => `${name}() lets the data it reads run code`,
    fix: "use json, or yaml.safe_load",
  },
  {
    rule: "security/native-code",
    names: /^(?:ctypes|cffi)\./,
    message: (name) => `${name}() calls native code, past Python's own checks`,
    fix: "use the standard library, if it can do the same",
  },
  {
    rule: "security/process",
    names:
      /^(?:subprocess\..*|os\.(?:system|popen|fork|forkpty|posix_spawnp?|exec[lv]p?e?|spawn[lv]p?e?)|pty\.spawn|multiprocessing\..*)$/,
    message: (name) => `${name}() starts a process, which the skill may not do`,
    fix: "do it in Python, or ask for process_spawn in security.permissions",
    unless: ({ process_spawn }) => process_spawn,
  },
  {
    rule: "security/network",
    names:
      /^(?:socket\.(?:socket|create_connection)|urllib\.request\..*|http\.client\..*|requests\..*|httpx\..*|aiohttp\..*|urllib3\..*|ftplib\..*|smtplib\..*)$/,
    message: (name) => `${name}() needs the network, which the skill may not use`,
    fix: "name the hosts in network_access of security.permissions",
    unless: ({ network_access }) =>
      network_access === true || (Array.isArray(network_access) && network_access.length > 0),
  },
];

const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/, "a private key"],
  [/\bAKIA[0-9A-Z]{16}\b/, "an access key"],
  [/\bgh[pousr]_[A-Za-z0-9]{36}\b/, "an access token"],
  [/\bsk-[A-Za-z0-9_-]{32,}\b/, "an API key"],
];

/** What a reviewer should look at: calls by name, and text that looks like a secret. The sandbox decides what is possible; this only tells. */
export function checkSecurity(
  outline: ScriptOutline,
  source: string,
  file: string,
  permissions: Permissions,
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { rule, names, message, fix, unless } of RULES) {
    if (unless?.(permissions) === true) continue;
    const call = outline.calls.find(({ name }) => names.test(name));
    if (call === undefined) continue;
    findings.push({ severity: "warning", rule, message: message(call.name), fix, file, line: call.line });
  }
  return [...findings, ...findSecrets(source, file)];
}

function findSecrets(source: string, file: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, line] of source.split("\n").entries()) {
    const found = SECRETS.find(([pattern]) => pattern.test(line.slice(0, 4096)));
    if (found === undefined) continue;
    findings.push({
      severity: "warning",
      rule: "security/secret-in-source",
      message: `the line looks like ${found[1]}`,
      fix: "declare it under credentials; it then comes as an environment variable",
      file,
      line: index + 1,
    });
  }
  return findings;
}
