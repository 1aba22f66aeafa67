import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A web server on the loopback address that answers its name, and keeps what it was asked. */
export class WebServer {
  readonly port: number;
  readonly requests: { readonly path: string; readonly host: string; readonly body: string }[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(name: string): Promise<WebServer> {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => body += chunk);
      request.on("end", () => {
        web.requests.push({ path: request.url ?? "", host: request.headers.host ?? "", body });
        response.end(name);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const web = new WebServer(server);
    return web;
  }

  /** How a list names it. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
