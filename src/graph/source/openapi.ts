import { SkillError } from "../../base/errors.ts";
import { isObject, type Json, parseJson } from "../../base/json.ts";
import { parseYaml } from "../../manifest/yaml.ts";
import { oneLine } from "./script-package.ts";

/** An operation of an API, as a tool of a client. */
export interface ApiOperation {
  /** A Python name, unique in the API. */
  readonly name: string;
  readonly description: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly ApiParameter[];
}

/** What an operation takes. */
export interface ApiParameter {
  /** A Python name, unique in the operation. */
  readonly name: string;
  /** Its name in the API. */
  readonly wire: string;
  readonly where: "path" | "query" | "header" | "body";
  readonly required: boolean;
  readonly schema: Readonly<Record<string, Json>>;
}

/** How an API wants to be told who calls. */
export interface ApiKey {
  readonly where: "header" | "query";
  readonly wire: string;
  /** Stands before the key. */
  readonly prefix: string;
}

/** An API, as far as a client by rules can use it. */
export interface Api {
  readonly title: string;
  /** Without a slash at the end. */
  readonly base: string;
  /** With the port, where it is not the usual one. */
  readonly host: string;
  readonly key: ApiKey | null;
  readonly operations: readonly ApiOperation[];
}

type Fields = Readonly<Record<string, Json>>;

const BOUNDS = { bytes: 2 << 20, operations: 24, parameters: 24, depth: 6 };
const METHODS = ["get", "post", "put", "patch", "delete"] as const;
/** What is taken over of a schema; the rest says nothing to a caller, or may not be trusted. */
const SCHEMA_KEYS = ["type", "enum", "description", "minimum", "maximum", "minLength", "maxLength", "format"];
const PYTHON_WORDS = new Set(
  ("False None True and as assert async await break class continue def del elif else except finally for from global if " +
    "import in is lambda nonlocal not or pass raise return try while with yield body self").split(" "),
);

/**
 * Reads an OpenAPI 3 description, JSON or YAML.
 *
 * @param name shown in errors
 * @throws {SkillError} `invalid_input` when it is neither, no OpenAPI 3, or says nothing that can be called
 */
export function readOpenApi(text: string, name: string): Api {
  const root = fields(parse(text.replace(/^\uFEFF/, ""), JSON.stringify(name)));
  const refuse = (what: string, fix: string): SkillError =>
    new SkillError("invalid_input", `${JSON.stringify(name)} ${what}`, { fix });
  if (!textOf(root["openapi"]).startsWith("3.")) {
    throw refuse("is no OpenAPI 3 description", 'give a JSON or YAML file with "openapi": "3…"');
  }
  const base = serverOf(root);
  if (base === null) {
    throw refuse("names no server", 'write "servers": [{ "url": "https://…" }] into it');
  }
  const operations = operationsOf(root);
  if (operations.length === 0) throw refuse("describes no operation", "look at its paths");
  const title = oneLine(textOf(fields(root["info"])["title"]), 80) || base.host;
  const path = base.pathname.replace(/\/+$/, "");
  return { title, base: base.origin + path, host: base.host, key: keyOf(root), operations };
}

function parse(text: string, file: string): Json {
  // YAML could read JSON as well, a hundred times slower
  return /^\s*\{/.test(text)
    ? parseJson(text, file, { maxBytes: BOUNDS.bytes })
    : parseYaml(text, { file, code: "invalid_input", maxBytes: BOUNDS.bytes });
}

function serverOf(root: Fields): URL | null {
  const server = fields(list(root["servers"])[0]);
  const variables = fields(server["variables"]);
  const filled = textOf(server["url"]).replace(
    /\{(\w+)\}/g,
    (_all, key: string) => textOf(fields(variables[key])["default"]),
  );
  const url = URL.parse(filled);
  return url !== null && /^https?:$/.test(url.protocol) ? url : null;
}

function operationsOf(root: Fields): readonly ApiOperation[] {
  const names = new Set<string>();
  const operations: ApiOperation[] = [];
  for (const [path, given] of Object.entries(fields(root["paths"]))) {
    const item = resolved(root, given);
    for (const method of METHODS) {
      const operation = fields(item[method]);
      if (Object.keys(operation).length === 0 || operations.length >= BOUNDS.operations) continue;
      const wanted = textOf(operation["operationId"]) || `${method} ${path}`;
      operations.push({
        name: unique(names, wanted),
        description: oneLine(textOf(operation["summary"]) || textOf(operation["description"]) || wanted, 300),
        method: method.toUpperCase(),
        path,
        parameters: parametersOf(root, item, operation, path),
      });
    }
  }
  return operations;
}

function parametersOf(root: Fields, item: Fields, operation: Fields, path: string): readonly ApiParameter[] {
  const names = new Set<string>();
  const given = [...list(item["parameters"]), ...list(operation["parameters"])].map((one) =>
    resolved(root, one)
  );
  const parameters = given.slice(0, BOUNDS.parameters).flatMap((one): ApiParameter[] => {
    const where = textOf(one["in"]), wire = textOf(one["name"]);
    if (wire === "" || (where !== "path" && where !== "query" && where !== "header")) return [];
    const described = oneLine(textOf(one["description"]), 300);
    const schema = schemaOf(root, one["schema"]);
    return [{
      name: unique(names, wire),
      wire,
      where,
      required: where === "path" || one["required"] === true,
      schema: described === "" ? schema : { ...schema, description: described },
    }];
  });
  const inPath = [...path.matchAll(/\{([^{}]+)\}/g)].map(([, wire = ""]) => wire);
  const untold = inPath.filter((wire) => !parameters.some((one) => one.where === "path" && one.wire === wire))
    .map((wire): ApiParameter => ({
      name: unique(names, wire),
      wire,
      where: "path",
      required: true,
      schema: { type: "string" },
    }));
  return [...parameters, ...untold, ...bodyOf(root, operation)];
}

function bodyOf(root: Fields, operation: Fields): readonly ApiParameter[] {
  const body = resolved(root, operation["requestBody"]);
  const json = fields(fields(body["content"])["application/json"]);
  if (Object.keys(json).length === 0) return [];
  const schema = schemaOf(root, json["schema"]);
  return [{ name: "body", wire: "body", where: "body", required: body["required"] === true, schema }];
}

function keyOf(root: Fields): ApiKey | null {
  const schemes = fields(fields(root["components"])["securitySchemes"]);
  const [wanted] = list(root["security"]).flatMap((one) => Object.keys(fields(one)));
  const scheme = resolved(root, schemes[wanted ?? Object.keys(schemes)[0] ?? ""]);
  const type = textOf(scheme["type"]), where = textOf(scheme["in"]);
  if (type === "apiKey" && (where === "header" || where === "query")) {
    return { where, wire: textOf(scheme["name"]), prefix: "" };
  }
  const bearer = (type === "http" && textOf(scheme["scheme"]).toLowerCase() === "bearer") ||
    type === "oauth2";
  return bearer ? { where: "header", wire: "Authorization", prefix: "Bearer " } : null;
}

/** A schema as a caller needs it: references resolved as deep as is useful, circles and everything odd left open. */
function schemaOf(root: Fields, given: Json | undefined, within: readonly Fields[] = []): Fields {
  const schema = resolved(root, given);
  if (within.length >= BOUNDS.depth || within.includes(schema)) return {};
  const inner = (one: Json | undefined): Fields => schemaOf(root, one, [...within, schema]);
  const kept = Object.fromEntries(
    SCHEMA_KEYS.filter((key) => schema[key] !== undefined).map((key) => [key, schema[key] as Json]),
  );
  const properties = Object.entries(fields(schema["properties"])).map(([key, one]) =>
    [key, inner(one)] as const
  );
  return {
    ...kept,
    ...(schema["nullable"] === true && typeof kept["type"] === "string"
      ? { type: [kept["type"], "null"] }
      : {}),
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(Array.isArray(schema["required"]) ? { required: schema["required"] as Json } : {}),
    ...(schema["items"] === undefined ? {} : { items: inner(schema["items"]) }),
  };
}

/** The object itself, or the one that its `$ref` names inside the description. */
function resolved(root: Fields, given: Json | undefined): Fields {
  let found = fields(given);
  for (let steps = 0; steps < 8 && typeof found["$ref"] === "string"; steps++) {
    const path = found["$ref"].split("/");
    if (path[0] !== "#") return {};
    found = path.slice(1).reduce<Fields>(
      (at, key) => fields(at[key.replaceAll("~1", "/").replaceAll("~0", "~")]),
      root,
    );
  }
  return found;
}

/** A Python name near the one that is wanted, and not yet in use. */
function unique(names: Set<string>, wanted: string): string {
  const snake = wanted.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase().replace(/[^a-z0-9]+/g, "_");
  const clean = snake.replace(/^[_0-9]+|_+$/g, "").slice(0, 48) || "value";
  const base = PYTHON_WORDS.has(clean) ? `${clean}_` : clean;
  let name = base;
  for (let number = 2; names.has(name); number++) name = `${base}_${number}`;
  names.add(name);
  return name;
}

function fields(value: Json | undefined): Fields {
  return isObject(value) ? value : {};
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value as readonly Json[] : [];
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
