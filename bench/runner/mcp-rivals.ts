import { fileURLToPath } from "node:url";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const SERVER: string = fileURLToPath(new URL("mcp_server.py", import.meta.url));

/** A server with the tool `echo`, and who calls it. */
export interface McpRival {
  readonly call: (value: string) => Promise<unknown>;
  readonly end: () => Promise<void>;
}

/** Starts a server for the TypeScript SDK's client. */
export async function mcpSdk(interpreter: string): Promise<McpRival> {
  const transport = new StdioClientTransport({ command: interpreter, args: [SERVER], stderr: "ignore" });
  const client = new Client({ name: "bench", version: "1.0.0" });
  await client.connect(transport);
  return {
    call: (value) => client.callTool({ name: "echo", arguments: { value } }),
    end: () => client.close(),
  };
}

/** Starts a server for LangChain's adapters: what they call is a LangChain tool. */
export async function mcpAdapters(interpreter: string): Promise<McpRival> {
  const client = new MultiServerMCPClient({
    mcpServers: { echo: { transport: "stdio", command: interpreter, args: [SERVER], stderr: "ignore" } },
  });
  const [tool] = await client.getTools();
  if (tool === undefined) throw new Error("the MCP server shows no tool");
  return { call: (value) => tool.invoke({ value }), end: () => client.close() };
}
