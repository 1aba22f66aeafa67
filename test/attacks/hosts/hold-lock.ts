// Takes the lock of a home's database, says so, and holds it until it is killed: `hold-lock.ts <path>`.
import process from "node:process";
import { DatabaseSync } from "node:sqlite";

const db = new DatabaseSync(process.argv[2] ?? "");
db.exec("begin immediate; update home set revision = revision + 1000");
console.log("held");
setInterval(() => db.isTransaction, 1000);
