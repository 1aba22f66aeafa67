import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { Json } from "../../src/base/json.ts";
import type { SkillErrorCode } from "../../src/base/errors.ts";
import type { CallRequest, CallResult, RunnerLimits } from "../../src/runner/types.ts";
import type { Answer, Attack, AttackPlace, Attempt } from "./attack.ts";
import { call, endsWith, fixture, type Outcome, tryOne } from "./trial.ts";

const ANSWER = '{"jsonrpc":"2.0","id":ID,"result":';
const GOOD = '{"jsonrpc":"2.0","id":ID,"result":"fine"}\n';
/** A line that is passed over must be followed by one that is not. */
const SHORT_MS = 700;

/** A text, or one so often. */
type Piece = string | readonly [text: string, times: number];

/** What `fixtures/answers.py` is told to write, and do then. */
type Order = {
  /** Bytes, as characters up to U+00FF; `ID` stands for the request's id. */
  readonly pieces?: readonly Piece[];
  /** Seconds between them. */
  readonly pause?: number;
  readonly end?: "exit" | "endless" | "flood" | "deaf" | "mute" | "silent" | "echo";
  readonly padding?: string;
};

type Ask = (order: Order, request?: Partial<CallRequest>) => Promise<CallResult>;

/** Asks a program to answer as it is told. */
function speaker(place: AttackPlace, limits: Partial<RunnerLimits> = {}): Ask {
  const runner = place.runner(place.sandbox, limits);
  const answers = place.program(fixture("answers.py"), { serve: "stdio", mode: "daemon", tools: [] });
  return (order, request = {}) => call(runner, answers, "invoke", order, request);
}

/** The same program, behaving well: what a control asks. */
async function works(ask: Ask): Promise<boolean> {
  return (await ask({ pieces: [GOOD] })).value === "fine";
}

/** What must come of an answer: this value, or one of these errors. */
interface Wanted {
  readonly value?: Json;
  readonly codes?: readonly SkillErrorCode[];
}

function fits({ value, codes = [] }: Wanted, outcome: Outcome<CallResult>): boolean {
  if (outcome.error !== undefined) return codes.includes(outcome.error.code);
  return value !== undefined && JSON.stringify(outcome.value.value) === JSON.stringify(value);
}

/** Has a program write pieces; afterwards it, or the next one, must answer a good call. */
async function write(
  ask: Ask,
  name: string,
  order: Order,
  wanted: Wanted,
  expected: Answer = "held",
): Promise<Attempt> {
  const request = wanted.codes?.includes("timeout") === true ? { timeout_ms: SHORT_MS } : {};
  return await tryOne({
    name,
    expected,
    act: () => ask(order, request),
    right: async (outcome) => fits(wanted, outcome) && await works(ask),
    escaped: () => Object.hasOwn(Object.prototype, "polluted"),
    control: () => works(ask),
  });
}

const BROKEN: Wanted = { codes: ["protocol_error"] };
const FINE: Wanted = { value: "fine" };
/** Nobody can know whose answer it was. */
const PASSED_OVER: Wanted = { codes: ["timeout"] };

function result(text: string): string {
  return `${ANSWER}${text}}\n`;
}

/** The bytes of a text in UTF-8, as characters. */
function bytes(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

const endlessLine: Attack = {
  case: 50,
  name: "endless_line_no_newline",
  expected: "killed",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place);
    await works(ask);
    const before = process.memoryUsage.rss();
    const attempt = await write(
      ask,
      "a line",
      { end: "endless" },
      { codes: ["message_too_large"] },
      "killed",
    );
    const grown = (process.memoryUsage.rss() - before) / (1 << 20);
    return [grown < 64 ? attempt : { ...attempt, answer: "failed", note: `the host grew by ${grown} MB` }];
  },
};

const oneByteMore: Attack = {
  case: 51,
  name: "100KB_plus_one",
  expected: "killed",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place);
    // The second request of a process has an id of one digit.
    const frame = GOOD.length - "fine\n".length - 1;
    const line = (size: number): Order => ({ pieces: [`${ANSWER}"`, ["x", size - frame], '"}\n'] });
    return [
      await tryOne({
        name: "an answer",
        expected: "killed",
        act: () => ask(line(102_401)),
        right: async (outcome) => endsWith("message_too_large")(outcome) && await works(ask),
        control: async () =>
          JSON.stringify((await speaker(place)(line(102_400))).value).length === 102_402 - frame,
      }),
    ];
  },
};

const encodings: Attack = {
  case: 52,
  name: "odd_encodings",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place);
    const [head = "", tail = ""] = bytes(result('"é€😀"')).split("\u0082");
    const wide = (text: string) => text.replaceAll(/[^]/g, "$&\0");
    return [
      await write(ask, "split_utf8_across_chunks", { pieces: [`${head}\u0082`, tail], pause: 0.1 }, {
        value: "é€😀",
      }),
      await write(ask, "every byte alone", {
        pieces: bytes(result('"é"')).match(/ID|[^]/g) ?? [],
        pause: 0.002,
      }, {
        value: "é",
      }),
      await write(ask, "lone_surrogate", { pieces: [result('"\\ud800"')] }, { value: "\ud800" }),
      await write(ask, "a surrogate in UTF-8", { pieces: [result('"\xed\xa0\x80"')] }, BROKEN),
      await write(ask, "invalid_utf8", { pieces: [result('"\xff\xfe"')] }, BROKEN),
      await write(ask, "overlong", { pieces: [result('"\xc0\xaf"')] }, BROKEN),
      await write(ask, "BOM", { pieces: [`\xef\xbb\xbf${GOOD}`] }, FINE),
      await write(ask, "CRLF", { pieces: [GOOD.replace("\n", "\r\n")] }, FINE),
      await write(ask, "NUL in a text", { pieces: [result('"a\0b"')] }, BROKEN),
      await write(ask, "NUL between", { pieces: [`\0\n${GOOD}`] }, FINE),
      await write(ask, "UTF-16", { pieces: [`\xff\xfe${wide(GOOD)}`] }, PASSED_OVER),
      await write(ask, "a line separator", { pieces: [bytes(result('"a\u2028b"'))] }, { value: "a\u2028b" }),
    ];
  },
};

const printNoise: Attack = {
  case: 53,
  name: "print_noise",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place);
    const noise = 'noise\n[1, 2]\n{"a": 1}\n\n \nnull\n"text"\n{\n';
    const functions = place.program(
      "import os, sys\nprint('before')\nos.write(1, b'raw before')\n\n\ndef speak() -> str:\n" +
        "    print('between')\n    os.write(1, b'raw {\"jsonrpc\"')\n    os.system('') if False else None\n" +
        "    sys.__stdout__.write('more')\n    return 'fine'\n",
      { tools: ["speak"] },
    );
    const runner = place.runner();
    return [
      await write(ask, "before", { pieces: [noise, GOOD] }, FINE),
      await write(
        ask,
        "between the bytes of pieces",
        { pieces: [noise + GOOD.slice(0, 9), GOOD.slice(9)] },
        FINE,
      ),
      await tryOne({
        name: "goes to the log",
        expected: "held",
        act: () => ask({ pieces: [noise, GOOD] }),
        right: ({ value }) => value?.logs.includes("noise") === true && value.value === "fine",
        control: () => works(ask),
      }),
      await tryOne({
        name: "of functions",
        expected: "held",
        act: () => call(runner, functions, "speak"),
        right: ({ value }) => value?.value === "fine" && value.logs.includes("between"),
        control: () => works(ask),
      }),
    ];
  },
};

const nested: Attack = {
  case: 54,
  name: "nested_100KB_brackets",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place);
    const deep = (open: string, close: string, count: number, head = ANSWER): Order => ({
      pieces: [head, [open, count], "1", [close, count], "}\n"],
    });
    const notification = '{"jsonrpc":"2.0","method":"progress","params":';
    return [
      await write(ask, "brackets", deep("[", "]", 50_000), BROKEN),
      await write(ask, "braces", deep('{"a":', "}", 16_000), BROKEN),
      await write(ask, "without an end", deep("[", "", 99_000), BROKEN),
      await write(ask, "in a notification", deep("[", "]", 40_000, notification), BROKEN),
    ];
  },
};

const pollution: Attack = {
  case: 55,
  name: "proto_pollution_keys",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place);
    const attempts: Attempt[] = [];
    for (const key of ["__proto__", "constructor", "prototype", "\\u005f_proto__", "__pro\\u0074o__"]) {
      const text = `{"a":1,"${key}":{"polluted":true,"prototype":{"polluted":true}}}`;
      for (
        const [where, pieces] of [["result", [result(text)]], ["progress", [
          `{"jsonrpc":"2.0","method":"progress","params":${text}}\n`,
          result('{"a":1}'),
        ]]] as const
      ) {
        const merged: object[] = [];
        attempts.push(
          await tryOne({
            name: `${key} in a ${where}`,
            expected: "held",
            act: () =>
              ask({ pieces }, {
                onProgress: (params) => void merged.push(Object.assign({}, params as object)),
              }),
            right: ({ value }) =>
              JSON.stringify(value?.value) === '{"a":1}' &&
              merged.every((one) => JSON.stringify(one) === '{"a":1}'),
            escaped: ({ value }) =>
              "polluted" in {} ||
              [...merged, Object.assign({}, value?.value as object)].some((one) => "polluted" in one),
            // Whoever only parses has it.
            control: () => Object.keys(JSON.parse(text) as object).length === 2,
          }),
        );
      }
    }
    return attempts;
  },
};

const oddMessages: Attack = {
  case: 56,
  name: "odd_messages",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place);
    const message = (text: string) => `{"jsonrpc":"2.0",${text}}\n`;
    return [
      await write(ask, "NaN", { pieces: [result("NaN")] }, BROKEN),
      await write(ask, "Infinity", { pieces: [result("-Infinity")] }, BROKEN),
      await write(ask, "1e400", { pieces: [result("1e400")] }, { ...BROKEN, value: null }),
      await write(
        ask,
        "an id above 2^53",
        { pieces: [message('"id":9007199254740993,"result":1'), GOOD] },
        FINE,
      ),
      await write(ask, "duplicate keys", { pieces: [message('"id":ID,"result":1,"result":2')] }, {
        value: 2,
      }),
      await write(ask, "a wrong id", { pieces: [message('"id":999,"result":1'), GOOD] }, FINE),
      await write(ask, "the id as text", { pieces: [message('"id":"ID","result":1'), GOOD] }, FINE),
      await write(ask, "an id that is a list", { pieces: [message('"id":[ID],"result":1'), GOOD] }, FINE),
      await write(ask, "two responses", { pieces: [GOOD, message('"id":ID,"result":"second"')] }, FINE),
      await write(ask, "a response before its request", {
        pieces: [message('"id":4,"result":"early"'), GOOD],
      }, FINE),
      await write(ask, "a batch", { pieces: [`[${GOOD.trim()}]\n`] }, BROKEN),
      await write(ask, "jsonrpc 1.0", { pieces: [GOOD.replace("2.0", "1.0")] }, BROKEN),
      await write(ask, "no jsonrpc", { pieces: [GOOD.replace('"jsonrpc":"2.0",', "")] }, BROKEN),
      await write(
        ask,
        "an error without a code",
        { pieces: [message('"id":ID,"error":{"message":"x"}')] },
        BROKEN,
      ),
      await write(ask, "an error that is text", { pieces: [message('"id":ID,"error":"x"')] }, BROKEN),
      await write(ask, "an id that is null", {
        pieces: [message('"id":null,"error":{"code":-32700,"message":"x"}')],
      }, BROKEN),
      await write(
        ask,
        "a flood of notifications",
        { pieces: [[message(`"method":"log","params":{"message":"${"x".repeat(9_000)}"}`), 200]] },
        { codes: ["limit_exceeded"] },
      ),
    ];
  },
};

const bothOrNeither: Attack = {
  case: 57,
  name: "both_result_and_error",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place);
    const error = '"error":{"code":-32000,"message":"x"}';
    return [
      await write(ask, "both", { pieces: [`{"jsonrpc":"2.0","id":ID,"result":1,${error}}\n`] }, BROKEN),
      await write(ask, "both, the result null", {
        pieces: [`{"jsonrpc":"2.0","id":ID,"result":null,${error}}\n`],
      }, BROKEN),
      await write(ask, "neither", { pieces: ['{"jsonrpc":"2.0","id":ID}\n'] }, BROKEN),
    ];
  },
};

const halfResponse: Attack = {
  case: 58,
  name: "half_response_then_exit0",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place, { backoffMs: [0] });
    const died: Wanted = { codes: ["process_died"] };
    return [
      await write(ask, "half a response", { pieces: [GOOD.slice(0, -4)], end: "exit" }, died),
      await write(ask, "all but the newline", { pieces: [GOOD.trimEnd()], end: "exit" }, died),
      await write(ask, "no response", { end: "exit" }, died),
      await write(ask, "noise", { pieces: ["fine\n"], end: "exit" }, died),
    ];
  },
};

const closedStreams: Attack = {
  case: 59,
  name: "closed_and_full_streams",
  expected: "held",
  owner: "runner",
  where: "host",
  slow: true,
  run: async (place) => {
    const ask = speaker(place, { maxMessageBytes: 16 << 20, backoffMs: [0] });
    const attempt = async (name: string, first: Order, second: Order | undefined, codes: SkillErrorCode[]) =>
      await tryOne({
        name,
        expected: "held",
        act: async () => {
          const quick = { timeout_ms: SHORT_MS };
          return second === undefined
            ? await ask(first, quick)
            : (await ask(first), await ask(second, quick));
        },
        right: async (outcome) => endsWith(...codes)(outcome) && await works(ask),
        control: async () => (await ask({ pieces: [GOOD], padding: "x".repeat(10 << 20) })).value === "fine",
      });
    const large = { pieces: [GOOD], padding: "x".repeat(1 << 20) };
    return [
      await attempt("closes_stdin_then_host_writes_1MB", { pieces: [GOOD], end: "deaf" }, large, [
        "timeout",
        "process_died",
      ]),
      await attempt("stdout_closed_early", { end: "mute" }, undefined, ["timeout", "process_died"]),
      await attempt(
        "never_reads_stdin",
        { pieces: [GOOD], end: "silent" },
        { pieces: [GOOD], padding: "x".repeat(10 << 20) },
        ["timeout"],
      ),
    ];
  },
};

const errorFlood: Attack = {
  case: 60,
  name: "stderr_flood",
  expected: "held",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const runner = place.runner();
    const program = place.program(
      "import os\n\n\ndef flood(megabytes: int) -> str:\n    for _ in range(megabytes * 16):\n" +
        "        os.write(2, b'y' * 65535 + b'\\n')\n    return 'fine'\n",
      { mode: "daemon" },
    );
    const endless = speaker(place);
    await call(runner, program, "flood", { megabytes: 1 });
    const before = process.memoryUsage.rss();
    return [
      await tryOne({
        name: "256 MB",
        expected: "held",
        act: () => call(runner, program, "flood", { megabytes: 256 }),
        right: ({ value }) =>
          value?.value === "fine" && value.logs.length < 70_000 && /\d/.test(value.logs) &&
          process.memoryUsage.rss() - before < 128 << 20,
        control: async () => (await call(runner, program, "flood", { megabytes: 0 })).logs === "",
      }),
      await tryOne({
        name: "without an end",
        expected: "held",
        act: () => endless({ end: "flood" }, { timeout_ms: SHORT_MS }),
        right: async (outcome) => endsWith("timeout", "limit_exceeded")(outcome) && await works(endless),
        control: () => works(endless),
      }),
    ];
  },
};

const reverseCalls: Attack = {
  case: 61,
  name: "skill_sends_requests_to_host",
  expected: "denied",
  owner: "runner",
  where: "host",
  run: async (place) => {
    const ask = speaker(place), marker = join(place.dir, "executed");
    const attempts: Attempt[] = [];
    for (
      const method of ["exec", "invoke", "shutdown", "skill.install", "handshake", "__proto__", "toString"]
    ) {
      const params = JSON.stringify({ command: `touch ${marker}`, tool: "invoke", input: {}, path: marker });
      attempts.push(
        await tryOne({
          name: method,
          expected: "denied",
          act: () =>
            ask({
              pieces: [`{"jsonrpc":"2.0","id":"r","method":"${method}","params":${params}}\n`],
              end: "echo",
            }),
          right: ({ value }) => JSON.stringify(value?.value ?? "").includes("-32601"),
          escaped: () => existsSync(marker),
          // The host executes nothing for anybody.
          control: "not possible",
        }),
      );
    }
    return attempts;
  },
};

/** What a program says that speaks for itself, or prints. */
export const protocol: readonly Attack[] = [
  endlessLine,
  oneByteMore,
  encodings,
  printNoise,
  nested,
  pollution,
  oddMessages,
  bothOrNeither,
  halfResponse,
  closedStreams,
  errorFlood,
  reverseCalls,
];
