import type { Socket } from "node:net";
import type { Upstream, UpstreamPlan } from "../types.ts";
import type { Target } from "./hosts.ts";
import { Refusal } from "./refusal.ts";
import type { ProxyRequest } from "./request-head.ts";

/** The proxy that a request has to go through, or undefined. */
export function upstreamFor(
  plan: UpstreamPlan | undefined,
  { kind, target }: ProxyRequest,
): Upstream | undefined {
  const direct = plan?.except.some((entry) => {
    const name = entry.toLowerCase().replace(/^\*?\./, "");
    return entry === "*" || target.host === name || target.host.endsWith(`.${name}`) ||
      `${target.host}:${target.port}` === name;
  });
  return direct === true ? undefined : plan?.[kind];
}

/** The same request, as a proxy is to get it. */
export function forUpstream(request: ProxyRequest, { authorization }: Upstream): ProxyRequest {
  if (request.kind === "tunnel") return request;
  const [first = "", ...headers] = request.head.split("\r\n");
  const [method, path, version] = first.split(" ");
  const absolute = `${method} http://${authority(request.target)}${path} ${version}`;
  return { ...request, head: [absolute, ...credentials(authorization), ...headers].join("\r\n") };
}

/** Has the proxy make a tunnel. @throws {Refusal} 502 */
export async function openTunnel(
  socket: Socket,
  target: Target,
  { authorization }: Upstream,
  readHead: (socket: Socket) => Promise<{ readonly head: string; readonly rest: Uint8Array }>,
): Promise<void> {
  const name = authority(target);
  const lines = [`CONNECT ${name} HTTP/1.1`, `Host: ${name}`, ...credentials(authorization), "\r\n"];
  socket.write(lines.join("\r\n"));
  const { head, rest } = await readHead(socket).catch(() => ({ head: "", rest: new Uint8Array() }));
  if (!/^HTTP\/1\.[01] 2\d\d\b/.test(head)) {
    throw new Refusal(502, "the network's own proxy refuses the connection");
  }
  if (rest.length > 0) socket.unshift(rest);
}

function credentials(authorization: string | undefined): readonly string[] {
  return authorization === undefined ? [] : [`Proxy-Authorization: ${authorization}`];
}

function authority({ host, port }: Target): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
