import { attackSuite } from "./attack-suite.ts";

await attackSuite("bubblewrap");
