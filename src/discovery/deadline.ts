import { SkillError } from "../base/errors.ts";

/** The result of `work`, unless it stays silent for `ms` milliseconds. @throws {SkillError} `timeout`, naming `who` */
export async function withDeadline<Result>(work: Promise<Result>, ms: number, who: string): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new SkillError("timeout", `${who} gave no answer in ${ms} ms`));
    }, ms);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
