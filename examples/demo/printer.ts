// Shows a run on a terminal as it goes. With --json everything goes to standard error.
import process from "node:process";
import { styleText } from "node:util";
import type { ToolMessage } from "@langchain/core/messages";
import type { GraphEvent } from "skillwright";

export interface Printer {
  line(text: string): void;
  heading(text: string): void;
  event(event: GraphEvent): void;
  tool(message: ToolMessage): void;
}

export function createPrinter(toStderr: boolean): Printer {
  const stream = toStderr ? process.stderr : process.stdout;
  const style = (format: "bold" | "dim" | "green" | "red", text: string): string =>
    stream.isTTY ? styleText(format, text, { validateStream: false }) : text;
  const write = (text: string): void => void stream.write(`${text}\n`);
  const shown = new Set<string>();
  return {
    line: write,
    heading: (text) => write(`\n${style("bold", text)}`),
    event({ kind, stage, status, ms, detail, path }) {
      if (kind === "stage" && status === "finished") {
        write(style("dim", `  ${stage.padEnd(12)} ${(ms ?? 0).toFixed(0).padStart(6)} ms`));
      }
      if (kind === "file") write(style("dim", `    wrote ${path ?? ""}`));
      // Each example is an event too; what is told here is how all of them went.
      if (kind === "test" && detail !== undefined) {
        write(`    ${style(status === "finished" ? "green" : "red", `tests: ${detail}`)}`);
      }
    },
    tool(message) {
      if (shown.has(message.tool_call_id)) return;
      shown.add(message.tool_call_id);
      const text = message.text.length > 160 ? `${message.text.slice(0, 160)} …` : message.text;
      write(`  ${message.name ?? "tool"} -> ${text}`);
    },
  };
}
