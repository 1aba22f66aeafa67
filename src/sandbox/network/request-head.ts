import { parseAuthority, type Target } from "./hosts.ts";
import { Refusal } from "./refusal.ts";

/** What a skill asks of the proxy. */
export type ProxyRequest =
  | { readonly kind: "tunnel"; readonly target: Target }
  | {
    readonly kind: "plain";
    readonly target: Target;
    /** The head as the server is to get it. */
    readonly head: string;
    /** Bytes of the body; not one more is passed on. */
    readonly bodyBytes: number;
  };

const REQUEST_LINE = /^([A-Z]{1,20}) ([\x21-\x7e]{1,8192}) HTTP\/1\.[01]$/;
const ABSOLUTE = /^http:\/\/([^/?#]*)([/?][^#]*)?$/i;
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
const MAX_HEADERS = 100;
/** Meant for the proxy, or for one connection; `host` is written anew from the address that was checked. */
const NOT_PASSED_ON = /^(?:proxy-.*|connection|keep-alive|te|trailer|upgrade|host|content-length)$/;

/**
 * Reads the head of a request, without the empty line at its end. Strict: what two programs could read in two ways is
 * refused, so that nothing can hide in it.
 *
 * @throws {Refusal} 400, 411
 */
export function parseRequestHead(text: string): ProxyRequest {
  const [first = "", ...lines] = text.split("\r\n");
  const [, method = "", asked = ""] = REQUEST_LINE.exec(first) ?? malformed("the request line");
  const headers = lines.map(parseHeader);
  if (headers.length > MAX_HEADERS) throw new Refusal(431, "too many headers");
  if (method === "CONNECT") {
    const target = parseAuthority(asked);
    return { kind: "tunnel", target: withPort(target, undefined) };
  }
  const [, authority = "", path = "/"] = ABSOLUTE.exec(asked) ??
    malformed("the address: give http://host/path");
  const bodyBytes = bodyLength(headers);
  return {
    kind: "plain",
    target: withPort(parseAuthority(authority), 80),
    bodyBytes,
    head: [
      `${method} ${path.startsWith("/") ? path : `/${path}`} HTTP/1.1`,
      `Host: ${authority}`,
      ...headers.filter(([name]) => !NOT_PASSED_ON.test(name)).map(([name, value]) => `${name}: ${value}`),
      ...(headers.some(([name]) => name === "content-length") ? [`Content-Length: ${bodyBytes}`] : []),
      "Connection: close",
      "\r\n",
    ].join("\r\n"),
  };
}

function parseHeader(line: string): readonly [name: string, value: string] {
  const [, name = "", value = ""] = HEADER.exec(line) ?? malformed("a header");
  return [name.toLowerCase(), value];
}

function bodyLength(headers: readonly (readonly [name: string, value: string])[]): number {
  const values = (wanted: string) =>
    headers.filter(([name]) => name === wanted).map(([, value]) => value.trim());
  if (values("transfer-encoding").length > 0) {
    throw new Refusal(411, "give a Content-Length, no Transfer-Encoding");
  }
  const [length = "0", ...more] = values("content-length");
  if (more.length > 0 || !/^\d{1,15}$/.test(length)) malformed("Content-Length");
  return Number(length);
}

function withPort(
  parsed: { readonly host: string; readonly port?: number } | undefined,
  port?: number,
): Target {
  const found = parsed?.port ?? port;
  if (parsed === undefined || found === undefined) return malformed("the host");
  return { host: parsed.host, port: found };
}

function malformed(what: string): never {
  throw new Refusal(400, `malformed request: ${what}`);
}
