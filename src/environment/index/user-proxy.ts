import { Buffer } from "node:buffer";
import type { Upstream, UpstreamPlan } from "../../sandbox/types.ts";

/**
 * The proxies that the user's variables name.
 *
 * @throws {TypeError} naming the kind when it is one that cannot be spoken to from here
 */
export function userProxy(variables: Readonly<Record<string, string>>): UpstreamPlan | undefined {
  const get = (name: string): string | undefined => variables[name] ?? variables[name.toLowerCase()];
  const all = get("ALL_PROXY");
  const [tunnel, plain] = [upstream(get("HTTPS_PROXY") ?? all), upstream(get("HTTP_PROXY") ?? all)];
  if (tunnel === undefined && plain === undefined) return undefined;
  return {
    ...(tunnel === undefined ? {} : { tunnel }),
    ...(plain === undefined ? {} : { plain }),
    except: (get("NO_PROXY") ?? "").split(/[\s,]+/).filter((entry) => entry !== ""),
  };
}

/** uv's variables without the user's proxies. */
export function withoutProxy(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => !/^(https?|all|no)_proxy$/i.test(name)),
  );
}

function upstream(address: string | undefined): Upstream | undefined {
  if (address === undefined) return undefined;
  const text = address.includes("://") ? address : `http://${address}`;
  if (!URL.canParse(text)) throw new TypeError("the proxy that is set has no readable address");
  const url = new URL(text);
  if (url.protocol !== "http:") {
    throw new TypeError(`the proxy that is set is spoken to by ${url.protocol.slice(0, -1)}, not http`);
  }
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 80 : Number(url.port),
    ...(pair === ":" ? {} : { authorization: `Basic ${Buffer.from(pair).toString("base64")}` }),
  };
}
