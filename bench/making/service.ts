import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServiceSpec } from "./task.ts";

/** A stand-in of a service, on loopback. */
export interface StandIn {
  /** `127.0.0.1:<port>` */
  readonly address: string;
  close(): void;
}

/** Serves the routes of a task to who has its key: 401 without, 404 for what it has not. */
export async function startService(
  { header, key, routes }: ServiceSpec,
): Promise<StandIn> {
  const server: Server = createServer((request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const path = request.url ?? "";
    if (request.headers[header.toLowerCase()] !== key) answer(401, { error: "who are you" });
    else if (!Object.hasOwn(routes, path)) answer(404, { error: `nothing at ${path}` });
    else answer(200, routes[path]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
