import { expect, test } from "vitest";
import { fuse } from "../../src/discovery/fusion.ts";

const numbers = (values: Float32Array) => [...values].map((value) => Math.round(value * 1_000) / 1_000);

test("fuse weighs the cosine share three times the lexical share", () => {
  const cosines = Float32Array.from({ length: 20 }, (_, at) => at / 19);
  const lexical = new Float32Array(20);
  lexical[0] = 1;
  const fused = numbers(fuse(cosines, lexical));
  expect(fused[0]).toBe(0.25);
  expect(fused[19]).toBe(0.75);
});

test("fuse stretches cosines between the least and the greatest when there are twenty documents or more", () => {
  const cosines = Float32Array.from({ length: 20 }, (_, at) => 0.5 + at / 100);
  expect(numbers(fuse(cosines, new Float32Array(20)))[0]).toBe(0);
  const fewer = cosines.slice(0, 19);
  expect(numbers(fuse(fewer, new Float32Array(19)))[0]).toBe(0.551);
});

test("fuse stays between 0 and 1 when all cosines are equal, negative or zero", () => {
  for (const size of [1, 5, 25]) {
    for (const cosine of [-0.2, 0, 0.4]) {
      const fused = fuse(new Float32Array(size).fill(cosine), new Float32Array(size));
      expect(fused.every((score) => score >= 0 && score <= 1)).toBe(true);
    }
  }
});

test("fuse without cosines gives the lexical share", () => {
  expect(numbers(fuse(null, Float32Array.of(1, 0.5)))).toEqual([1, 0.5]);
});
