import { z } from "zod";
import { SkillError } from "../base/errors.ts";
import { permissionsBeyond } from "../graph/permission-diff.ts";
import type { SkillAnswer } from "./lifecycle.ts";
import type { Operation } from "./types.ts";
import type { Updated, UpdateOptions } from "../lifecycle/changes/update.ts";

/** Input of `update`. */
export interface UpdateInput {
  readonly id: string;
  /** Default: where the serving version came from. */
  readonly source?: string | undefined;
  readonly test: boolean;
  readonly allow_downgrade: boolean;
  /** What it may do more than before is accepted. */
  readonly confirm: boolean;
  /** Of the package that was looked at: another one is refused. */
  readonly digest?: string | undefined;
}

/** Answer of `update`. Not updated: without tests it was up to date, else they failed. */
export interface UpdateAnswer extends SkillAnswer, Omit<Updated, "info"> {
  /** What it may do more than before, in words. */
  readonly new_permissions: readonly string[];
}

/** Operation `update`. It throws `approval_required` for a version that asks for more, unless that is confirmed. */
export const update: Operation<UpdateInput, UpdateAnswer> = {
  name: "update",
  description: "Install, test and activate what a skill's source has now",
  mode: "full",
  input: z.object({
    id: z.string().min(1),
    source: z.string().min(1).optional(),
    test: z.boolean().default(true),
    allow_downgrade: z.boolean().default(false),
    confirm: z.boolean().default(false),
    digest: z.string().regex(/^[0-9a-f]{64}$/).optional(),
  }),
  async handler({ skills, actor, signal, onEvent }, input): Promise<UpdateAnswer> {
    let newPermissions: readonly string[] = [];
    const { info, ...done } = await skills.library.update(input.id, {
      actor,
      test: input.test,
      downgrade: input.allow_downgrade,
      confirm: (plan) => {
        newPermissions = beyond(plan);
        requireConfirmed(plan, newPermissions, input);
      },
      onStage: (detail) => onEvent?.({ kind: "stage", stage: "update", status: "started", detail }),
      ...(input.source === undefined ? {} : { source: input.source }),
      ...(signal === undefined ? {} : { signal }),
    });
    return { skill_info: info, ...done, new_permissions: newPermissions };
  },
};

type Plan = Parameters<NonNullable<UpdateOptions["confirm"]>>[0];

/** What the new version wants and the one that serves has not, in words. */
function beyond({ before, after }: Plan): readonly string[] {
  const known = new Set(before.credentials.map(({ name }) => name));
  const secrets = after.credentials.filter(({ name }) => !known.has(name));
  return [
    ...permissionsBeyond(after.security.permissions, before.security.permissions),
    ...secrets.map(({ name }) => `secret: ${name}`),
    ...(before.state === undefined && after.state !== undefined ? ["state: files that it keeps"] : []),
  ];
}

function requireConfirmed(plan: Plan, more: readonly string[], { confirm, digest }: UpdateInput): void {
  if (digest !== undefined && digest !== plan.digest) {
    throw new SkillError(
      "digest_mismatch",
      `the source of "${plan.skill_id}" changed since it was looked at`,
      {
        fix: "look at it again",
        details: { expected: digest, found: plan.digest },
      },
    );
  }
  if (confirm || more.length === 0) return;
  const { skill_id: id, from, to } = plan;
  throw new SkillError("approval_required", `"${id}" ${to} may do more than ${from}: ${more.join(", ")}`, {
    fix: "look at what it asks for, and add --yes (confirm: true) to allow it",
    details: { id, from, to, digest: plan.digest, new_permissions: more },
  });
}
