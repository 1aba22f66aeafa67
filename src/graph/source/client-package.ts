import { stringify } from "smol-toml";
import type { Api, ApiOperation, ApiParameter } from "./openapi.ts";
import { HEADER, oneLine, titled, type Wrapping } from "./script-package.ts";
import type { PackageFiles } from "../../lifecycle/packages/package-text.ts";

/** Variable that holds the API's key. */
const KEY_VARIABLE = "API_KEY";

/** A client of an API as a package: one tool an operation, leave for that host alone, the key as a credential. */
export function clientPackage(api: Api, { id, intent }: Wrapping): PackageFiles {
  return { "manifest.toml": manifest(api, { id, intent }), "skill.py": script(api) };
}

function manifest(api: Api, { id, intent }: Wrapping): string {
  const credential = {
    name: KEY_VARIABLE,
    description: oneLine(`Key of ${api.title}`, 200),
    required: true,
  };
  const text = stringify({
    id,
    name: titled(id),
    version: "0.1.0",
    description: oneLine(intent, 300),
    serve: "functions",
    default_tool: api.operations[0]?.name ?? "",
    tools: api.operations.map(({ name, description, parameters }) => ({
      name,
      description,
      input_schema: {
        type: "object",
        properties: Object.fromEntries(parameters.map((one) => [one.name, one.schema])),
        required: parameters.filter(({ required }) => required).map((one) => one.name),
        additionalProperties: false,
      },
    })),
    ...(api.key === null ? {} : { credentials: [credential] }),
    security: { permissions: { network_access: [api.host] } },
  });
  return `${text.trimEnd()}\n`;
}

function script({ title, base, key, operations }: Api): string {
  const headers = key?.where === "header"
    ? `{${quote(key.wire)}: ${quote(key.prefix)} + os.environ[${quote(KEY_VARIABLE)}]}`
    : "{}";
  const query = key?.where === "query" ? `[(${quote(key.wire)}, os.environ[${quote(KEY_VARIABLE)}])]` : "[]";
  return `${HEADER}${quote(`Client of ${title}, written from its OpenAPI description.`)}

import json
import os
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

BASE = ${quote(base)}


def _call(method, path, query=None, headers=None, body=None):
    pairs = ${query}
    for name, value in (query or {}).items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, _text(one)) for one in values if one is not None]
    sent = {"Accept": "application/json", **${headers}}
    sent.update({name: _text(value) for name, value in (headers or {}).items() if value is not None})
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        sent["Content-Type"] = "application/json"
    url = BASE + path + ("?" + urlencode(pairs) if pairs else "")
    try:
        with urlopen(Request(url, data=data, headers=sent, method=method), timeout=20) as answer:
            text = answer.read().decode()
    except HTTPError as error:
        reason = error.read(500).decode(errors="replace")
        raise ValueError(f"{method} {path} answered {error.code}: {reason}") from None
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _text(value):
    return json.dumps(value) if isinstance(value, (bool, dict)) else str(value)


def _part(value):
    return quote(_text(value), safe="")
${operations.map(functionOf).join("")}`;
}

function functionOf({ name, description, method, path, parameters }: ApiOperation): string {
  const needed = parameters.filter(({ required }) => required),
    others = parameters.filter((one) => !one.required);
  const takes = [...needed.map((one) => one.name), ...others.map((one) => `${one.name}=None`)].join(", ");
  const given = [
    quote(method),
    pathOf(path, parameters),
    ...dictionary("query", parameters),
    ...dictionary("header", parameters),
    ...(parameters.some(({ where }) => where === "body") ? ["body=body"] : []),
  ];
  return `

def ${name}(${takes}):
    ${quote(description)}
    return _call(${given.join(", ")})
`;
}

/** The path as a Python expression. */
function pathOf(path: string, parameters: readonly ApiParameter[]): string {
  const parts = path.split(/(\{[^{}]+\})/).filter((part) => part !== "").map((part) => {
    const found = parameters.find(({ where, wire }) => where === "path" && `{${wire}}` === part);
    return found === undefined ? quote(part) : `_part(${found.name})`;
  });
  return parts.join(" + ") || '""';
}

function dictionary(where: "query" | "header", parameters: readonly ApiParameter[]): readonly string[] {
  const items = parameters.filter((one) => one.where === where).map(({ wire, name }) =>
    `${quote(wire)}: ${name}`
  );
  return items.length === 0 ? [] : [`${where === "header" ? "headers" : "query"}={${items.join(", ")}}`];
}

/** A string literal that Python reads as JSON does: escapes, never raw line ends or quotes. */
function quote(text: string): string {
  return JSON.stringify(text.replaceAll(/\p{Surrogate}/gu, "?"));
}
