// Judges every request to GitHub and every answer of the sandbox against GitHub's own OpenAPI description, with the
// validators of Prism.
//
//     github_openapi.cjs PACKAGES FILE_OR_FOLDER...
//
// PACKAGES is the folder in which package.json's packages are installed. Reads logs of the sandbox (`*.calls.jsonl`). Only
// the program's own requests count; the sandbox's own tests send wrong ones on purpose. Answers count whoever asked, unless
// a test broke them (`fault`). Ends with 1 if a request or an answer is wrong, or if there is none.

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { createRequire } = require('node:module');

const [packages, ...names] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(packages), 'package.json'));
const { getHttpOperationsFromSpec } = load('@stoplight/prism-http/dist/utils/operations.js');
const { validateInput, validateOutput } = load('@stoplight/prism-http/dist/validator/index.js');
const route = load('@stoplight/prism-http/dist/router/index.js').default;

const CLIENT = 'regcred/';
// Where secrets and variables are, and what they hang on.
const PATHS = new RegExp(
  '^/(user|app|app/installations/\\{installation_id\\}/access_tokens|(orgs/\\{org\\}|users/\\{username\\})/installation|' +
    '(repos/\\{owner\\}/\\{repo\\}|orgs/\\{org\\})/(actions|dependabot)/(secrets|variables)(/.*)?|' +
    'repos/\\{owner\\}/\\{repo\\}/actions/runs|installation/repositories|' +
    'users/\\{username\\}|(user|users/\\{username\\}|orgs/\\{org\\}|orgs/\\{org\\}/teams/\\{team_slug\\})/repos|' +
    'repos/\\{owner\\}/\\{repo\\}(/environments(/\\{environment_name\\}(/(secrets|variables)(/.*)?)?)?)?)$',
);
// Where GitHub sends those who use a repository's old name. Its description leaves these paths out.
const LASTING = /^\/repositories\/\d+(\/|$)/;
// Prism's own severities.
const ERROR = 0;

// The description, cut to the paths above and the components that they need: the whole takes minutes to load.
function cut(spec) {
  const paths = Object.fromEntries(Object.entries(spec.paths).filter(([name]) => PATHS.test(name)));
  const components = {};
  const pending = [paths];
  while (pending.length) {
    const node = pending.pop();
    if (node === null || typeof node !== 'object') continue;
    const [, kind, name] = /^#\/components\/([^/]+)\/([^/]+)$/.exec(node.$ref ?? '') ?? [];
    if (kind && !components[kind]?.[name]) {
      (components[kind] ??= {})[name] = spec.components[kind][name];
      pending.push(components[kind][name]);
    }
    pending.push(...Object.values(node));
  }
  return { openapi: spec.openapi, info: spec.info, paths, components };
}

function* calls() {
  for (const name of names) {
    const folder = fs.statSync(name).isDirectory();
    const files = folder
      ? fs.readdirSync(name).filter((file) => file.endsWith('calls.jsonl')).sort().map((file) => path.join(name, file))
      : [name];
    for (const file of files) {
      const lines = fs.readFileSync(file, 'utf8').split('\n');
      for (const [number, line] of lines.entries()) {
        const call = line && JSON.parse(line);
        if (call && call.service === 'github') yield [`${path.basename(file)}:${number + 1}`, call];
      }
    }
  }
}

function request(call) {
  const url = new URL(call.path.replace(/^\/api\/v3(?=\/)/, ''), 'http://github');
  return {
    method: call.method.toLowerCase(),
    url: { path: url.pathname, query: Object.fromEntries(url.searchParams) },
    headers: call.request_headers,
    body: parsed(call.request_body),
  };
}

function parsed(text) {
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function problems(verdict) {
  if (verdict._tag !== 'Left') return [];
  return verdict.left.map(({ path: at, message, severity }) => ({ severity, text: `${(at ?? []).join('.')} ${message}` }));
}

class Tally {
  total = 0;
  failed = 0;
  undescribed = new Map();
  by_operation = new Map();

  judge(place, what, found) {
    this.total += 1;
    const [name] = what.split(' ->');
    this.by_operation.set(name, (this.by_operation.get(name) ?? 0) + 1);
    const wrong = found.filter(({ severity }) => severity === ERROR);
    for (const { text } of wrong) console.error(`${place}: ${what}: ${text}`);
    this.failed += wrong.length > 0;
    if (!wrong.length && found.length) this.undescribed.set(what, (this.undescribed.get(what) ?? 0) + 1);
  }
}

async function main() {
  const spec = JSON.parse(fs.readFileSync(load.resolve('@octokit/openapi/generated/api.github.com.json'), 'utf8'));
  const version = (name) => load(`${name}/package.json`).version;
  const resources = await getHttpOperationsFromSpec(cut(spec));
  const [requests, answers] = [new Tally(), new Tally()];
  let lasting = 0;
  for (const [place, call] of calls()) {
    const element = request(call);
    const own = (call.request_headers['user-agent'] ?? '').startsWith(CLIENT);
    const found = route({ resources, input: element });
    if (found._tag === 'Left') {
      if (LASTING.test(element.url.path)) lasting += 1;
      else if (own) requests.judge(place, `${call.method} ${element.url.path}`, [{ severity: ERROR, text: found.left.message }]);
      continue;
    }
    const resource = found.right;
    const name = `${call.method} ${resource.path}`;
    if (own) requests.judge(place, name, problems(validateInput({ resource, element })));
    if (call.status === null || call.fault !== null) continue;
    const answer = { statusCode: call.status, headers: call.response_headers, body: parsed(call.response_body) };
    answers.judge(place, `${name} -> ${call.status}`, problems(validateOutput({ resource, element: answer })));
  }
  console.log(
    `@octokit/openapi ${version('@octokit/openapi')} (GitHub's description ${spec.info.version}, cut to ${resources.length} operations), ` +
      `Prism ${version('@stoplight/prism-http')}`,
  );
  for (const [name, count] of [...requests.by_operation].sort()) console.log(`  ${String(count).padStart(5)}  ${name}`);
  for (const [name, count] of [...answers.undescribed].sort()) console.log(`  status not described: ${name} (${count})`);
  console.log(`GitHub requests judged: ${requests.total}; wrong: ${requests.failed}; to a renamed repository's lasting address: ${lasting}`);
  console.log(`answers of the sandbox judged: ${answers.total}; wrong: ${answers.failed}`);
  if (!requests.total || !answers.total) console.error('there was nothing to judge');
  process.exitCode = requests.failed || answers.failed || !requests.total || !answers.total ? 1 : 0;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
