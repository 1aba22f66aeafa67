import { createHost } from "../../host/host.ts";
import { serveHost } from "../../host/stdio.ts";
import type { Command } from "../command.ts";

export const hostCommand: Command = {
  name: "host",
  summary: "serve JSON lines to a program in any language, until its input ends",
  args: [],
  options: [
    ["--stdio", "on standard input and output (the only way there is)"],
    ["--model <provider:name>", "the chat model that writes skills for skill.generate"],
    ["--verifier <provider:name>", "another chat model, which writes checks without seeing the code"],
  ],
  examples: [`echo '{"v":1,"request_id":"1","command":"skill.list"}' | skillwright host --stdio`],
  async run({ terminal, open }, _args, { model, verifier }) {
    const context = await open({
      model: model as string | undefined,
      verifier: verifier as string | undefined,
    });
    const { stdin, stdout, signal } = terminal;
    if (terminal.interactive) terminal.note("reading one JSON object a line; Ctrl-D ends it");
    await serveHost(createHost({ ...context, actor: { via: "host" } }), stdin, stdout, signal);
    return { document: undefined, text: "" };
  },
};
