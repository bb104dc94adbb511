// Two executors: one reads files in recorded steps, one writes a report once.

import { readFile, writeFile } from "node:fs/promises";
import { dirname, extname, join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const here = import.meta.dirname;

/** @param {import("perdure").ExecutorDefiner} perdure */
export default function register(perdure) {
  perdure.define("survey", {}, async (run, input) => {
    const files = await run.step("list", async () =>
      (await readFile(join(here, input.list), "utf8")).trim().split("\n"),
    );
    run.progress({ totalSteps: files.length + 1 });
    const found = [];
    for (const file of files) {
      // Recorded when it is done: after a crash only files that were not read yet are read.
      found.push(await run.step(`read ${relative("../../src", file)}`, () => readSource(file)));
      run.progress({ message: relative("../../src", file) });
    }
    return found;
  });

  perdure.define("write-report", {}, async (run, input) => {
    const survey = await run.resultOf("survey");
    const longest = await run.step("load longest", () => readFile(join(here, "out/longest.txt"), "utf8"));
    const history = await run.step("load history", () => readFile(join(here, "out/history.txt"), "utf8"));
    const text = render({ survey, longest, history });
    // `once`: never written twice without someone knowing, whatever happens in between.
    await run.step("write", () => writeFile(join(here, input.target), text), {
      effect: "once",
      verify: async () => {
        const present = await readFile(join(here, input.target), "utf8").catch(() => "");
        return present === text ? { done: true, result: null } : { done: false };
      },
    });
    await run.artifact({ name: "report.md", mediaType: "text/markdown", content: text });
    return { files: survey.length, lines: sum(survey, (file) => file.lines) };
  });
}

async function readSource(file) {
  await pause(15); // So that there is something to watch, and time to interrupt.
  const text = await readFile(join(here, file), "utf8");
  return {
    folder: dirname(relative("../../src", file)).split("/")[0] || ".",
    isTest: file.endsWith(".test.ts"),
    kind: extname(file),
    lines: text.split("\n").length,
    functions: (text.match(/\bfunction\b|=> /g) ?? []).length,
  };
}

function render({ survey, longest, history }) {
  const folders = [...new Set(survey.map((file) => file.folder))].sort();
  const rows = folders.map((folder) => {
    const files = survey.filter((file) => file.folder === folder && !file.isTest);
    const tests = survey.filter((file) => file.folder === folder && file.isTest);
    return `| ${folder} | ${files.length} | ${sum(files, (file) => file.lines)} | ${tests.length} |`;
  });
  return [
    "# Report",
    "",
    `${survey.length} files, ${sum(survey, (file) => file.lines)} lines.`,
    "",
    "| folder | files | lines | tests |",
    "|---|---|---|---|",
    ...rows,
    "",
    "## Longest files",
    "",
    "```",
    longest.trimEnd().replaceAll("../../", ""),
    "```",
    "",
    "## Newest commits",
    "",
    "```",
    history.trimEnd(),
    "```",
    "",
  ].join("\n");
}

function sum(items, numberOf) {
  return items.reduce((total, item) => total + numberOf(item), 0);
}
