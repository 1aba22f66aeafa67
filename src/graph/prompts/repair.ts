/** What a maker is told of a version that did not pass, around the evidence. */
export const REPAIR_PROMPT: {
  readonly earlier: string;
  readonly work: string;
  readonly same: string;
  readonly heldBack: (failed: number, all: number) => string;
  readonly oddInputs: (count: number) => string;
  readonly notPure: string;
} = {
  earlier: "Earlier:",
  work: "Repair it: edit what must change, run the tests, then answer without a tool call.",
  same: "It fails as the version before did: what was changed is not the cause. Try another way.",
  heldBack: (failed: number, all: number): string =>
    `Examples you were not shown: ${failed} of ${all} fail. ` +
    "Solve the task in general instead of answering the shown examples.",
  oddInputs: (count: number): string =>
    "Odd inputs must end in a ValueError that says what is wrong, or be refused by input_schema (types, minLength, " +
    `minimum, required, additionalProperties). ${count} do not:`,
  notPure: "A tool that is declared pure gives the same answer to the same input:",
};
