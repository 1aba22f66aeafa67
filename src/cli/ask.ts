import { cancel, isCancel, password } from "@clack/prompts";
import { SkillError } from "../base/errors.ts";

/** Asks a person for a value that nobody else should see. @throws {SkillError} `cancelled` */
export async function askSecret(message: string): Promise<string> {
  const answer = await password({ message });
  if (!isCancel(answer)) return answer;
  cancel("nothing was stored");
  throw new SkillError("cancelled", "the question was not answered");
}
