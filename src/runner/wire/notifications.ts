import type { Json } from "../../base/json.ts";

/** A `log` notification as a line. */
export function logLine(params: Json): string {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return JSON.stringify(params);
  const { level = "info", message, ...fields } = params as { readonly [key: string]: Json };
  if (typeof level !== "string" || typeof message !== "string") return JSON.stringify(params);
  const rest = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : "";
  return `${level}: ${message}${rest}`;
}

/** The number of the request that a notification belongs to, and what else it says; undefined when it names none. */
export function splitRequestId(params: Json): { readonly id: number; readonly rest: Json } | undefined {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return undefined;
  const { request_id, ...rest } = params as { readonly [key: string]: Json };
  return typeof request_id === "number" ? { id: request_id, rest } : undefined;
}
