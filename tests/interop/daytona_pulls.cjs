// How Daytona's own server chooses a login: its source, run on our cases. By hand, for a new version of it:
//
//     npm install --prefix /tmp/ts typescript@5.4.5
//     node tests/interop/daytona_pulls.cjs /tmp/ts/node_modules/typescript 0.170.0=DIR 0.190.0=DIR > tests/fixtures/daytona.json
//
// where each DIR is a checkout of github.com/daytonaio/daytona at that version. Only answers are kept, none of its text.
"use strict";
const fs = require("fs");
const path = require("path");

const ORGANIZATION = "acme";
const ABSENT = Symbol("IsNull");
const API = "apps/api/src";

// Rows in the table's order: a url, and `operator` for one that belongs to no organization.
const TABLES = [
  [],
  ["docker.io"],
  ["operator docker.io"],
  ["operator docker.io", "docker.io"],
  ["operator https://ghcr.io", "operator registry.example.com:5000", "quay.io"],
  ["docker.io", "ghcr.io"],
  ["ghcr.io/acme", "https://ghcr.io"],
  ["https://ghcr.io", "ghcr.io/acme", "docker.io/acme"],
  ["docker.io/acme", "docker.io"],
  ["docker.io/library", "operator docker.io"],
  ["index.docker.io/v1", "ghcr.io"],
  ["https://index.docker.io/v1", "docker.io"],
  ["https://ghcr.io/v2", "https://hub.docker.com", "http://quay.io"],
  ["GHCR.IO", "HTTPS://ghcr.io", "http://https://quay.io", "user@ghcr.io"],
  ["us-central1-docker.pkg.dev/proj/repo", "127.0.0.1:5000", "us-central1-docker.pkg.dev"],
  ["docker.io", "docker.io", "operator docker.io"],
];

const DIGEST = "sha256:" + "0123456789abcdef".repeat(4);
const IMAGES = [
  "alpine:3", "alpine", "alpine:latest", "alpine:", "alpine: ", "alpine:3.20.1-r0", "postgres:17.2", "redis:7.0-alpine",
  "acme/app:1", "acme/app", "acme/app:latest", "acme/team/app:1", "library/alpine:3", "docker.io:3", "docker.io", "localhost:3",
  "docker.io/alpine:3", "docker.io/library/alpine:3", "docker.io/library/alpine", "docker.io/library/alpine:latest",
  "docker.io/acme/app:1", "docker.io/acme-two/app:1", "docker.io/acmeapp:1", "DOCKER.IO/library/alpine:3",
  "index.docker.io/library/alpine:3", "index.docker.io/v1/alpine:3", "registry-1.docker.io/library/alpine:3",
  "registry.hub.docker.com/library/alpine:3", "hub.docker.com/r/alpine:3", "docker.io:443/library/alpine:3",
  "Alpine/x:1", "ACME/app:1", "Alpine:3", "ghcr.io/acme/app:1", "ghcr.io/acme/app", "ghcr.io/acme:1",
  "ghcr.io/acme-two/app:1", "ghcr.io:443/acme/app:1", "GHCR.IO/acme/app:1", "ghcr.io.example.com/acme/app:1",
  "ghcr.iox/acme/app:1", "quay.io/acme/app:1", "quay.io:8443/acme/app:1", "https://quay.io/acme/app:1",
  "localhost/acme/app:1", "localhost:5000/acme/app:1", "localhost:5000/acme/app", "127.0.0.1:5000/acme/app:1",
  "[::1]:5000/x:1", "registry.example.com:5000/app:1", "us-central1-docker.pkg.dev/proj/repo/api:1",
  "us-central1-docker.pkg.dev/proj/other/api:1", "acme/app:1@" + DIGEST, "alpine@" + DIGEST, "alpine:3@" + DIGEST,
  "docker.io/library/alpine@" + DIGEST, "docker.io/library/alpine:3@" + DIGEST, "ghcr.io/acme/app@" + DIGEST,
  "ghcr.io/acme/app@sha256:123", "ghcr.io/acme/app@sha512:" + "0".repeat(128), "not//a/name:1", "/alpine:3", "alpine:3/",
  "docker.io/library/al pine:3", "ghcr.io/acme/app:1+2", "ghcr.io/acme/app:latest@" + DIGEST,
];

const DOCKERFILES = [
  "FROM alpine:3.20", "FROM node:18\nCOPY --from=ghcr.io/acme/tools:1 /a /b", "ARG B=acme/app\nFROM $B",
  "FROM acme/app:1", "FROM library/redis:7", "FROM docker.io/library/alpine:3.20", "from ghcr.io/acme/app:1 as build",
  "FROM --platform=linux/amd64 acme/app:1", "FROM --platform=linux/amd64 alpine", "FROM --platform=$BUILDPLATFORM acme/app:1 AS b",
  "# FROM acme/app:1\nFROM alpine", "FROM alpine # acme/app", "FROM \\\n  acme/app:1", "FROM alpine AS acme/app",
  "  FROM acme/app:1", "\tFROM\tacme/app:1", "FROM ${REGISTRY}/app:1", "FROM ${B:-acme/app}", "FROM alpine\nRUN echo FROM acme/app",
  "RUN true\nFROM acme/app", "FROM alpine\r\nFROM acme/app:1\r\n", "ONBUILD FROM acme/app", "FROMacme/app", "FROM",
  "# syntax=docker/dockerfile:1\nFROM alpine", "FROM scratch", "FROM --PLATFORM=linux/amd64 acme/app:1",
  "FROM --platform=linux/amd64 --x_y=1 acme/app:1", "FROM alpine\nRUN --mount=from=ghcr.io/acme/tools,target=/t true", "",
];

const URLS = [
  "docker.io", "DOCKER.IO", "index.docker.io/v1/", "https://index.docker.io/v1/", "registry-1.docker.io", "mydocker.io.example.com",
  "ghcr.io", "https://ghcr.io/", "https://ghcr.io/v2/", "ghcr.io//", " ghcr.io ", "https://hub.docker.com", "127.0.0.1:5000",
  "user@ghcr.io", "HTTPS://ghcr.io", "us-central1-docker.pkg.dev/proj/repo", "",
];

const NAMES = [
  "hub", "", "a < b > c", "<b>x</b>", "<b", "a<1", "</", "see https://acme.com", "www.acme", "WWW.acme", "ftp://x", "mailto:x", "tel:1",
  "data:x", "javascript:x", "file:///x", "ssh://x", "ws://x", "a\tb", "a\nb", "a\rb", "a\u0000b", "a\u007fb", "a\u0085b", "http:/x", "é ü",
];

/** What any module gives that is not needed: every name is a decorator, a class and a function. */
const nothing = new Proxy(function () {}, {
  get: (_, name) => (name === "prototype" ? {} : name === "__esModule" ? true : nothing),
  apply: () => () => undefined,
  construct: () => ({}),
});

class Logger {
  log() {} warn() {} error() {} debug() {} verbose() {}
}

/** Loads files of one checkout, each compiled without its types, and with nothing of what it does not need. */
function source(typescript, root) {
  const needed = /docker-image\.util$|registry-type\.enum$|is-safe-string\.validator$/;
  const load = (file) => {
    const text = fs.readFileSync(path.join(root, file + ".ts"), "utf8");
    const options = { module: "commonjs", target: "es2021", experimentalDecorators: true };
    const { outputText } = typescript.transpileModule(text, { compilerOptions: options });
    const find = (name) => {
      if (name === "typeorm") return new Proxy({ IsNull: () => ABSENT }, { get: (own, key) => own[key] ?? nothing });
      if (name === "@nestjs/common") return new Proxy({ Logger }, { get: (own, key) => own[key] ?? nothing });
      if (name.endsWith("docker-registry.entity")) return { DockerRegistry: class {} };
      return needed.test(name) ? load(path.join(path.dirname(file), name)) : nothing;
    };
    const module = { exports: {} };
    new Function("require", "module", "exports", outputText)(find, module, module.exports);
    return module.exports;
  };
  return load;
}

/** A table of registries that answers as TypeORM's repository does. */
function table(rows) {
  const is = (row, where) =>
    Object.entries(where).every(([key, value]) => (value === ABSENT ? row[key] == null : row[key] === value));
  const find = async ({ where }) => rows.filter((row) => [where].flat().some((one) => is(row, one)));
  return { find, findOne: async (asked) => (await find(asked))[0] ?? null, create: (row) => row, save: async (row) => row };
}

function rows(urls) {
  return urls.map((text, id) => {
    const url = text.replace(/^operator /, "");
    const own = url === text;
    return {
      id, url, username: "someone", password: "x", project: "", organizationId: own ? ORGANIZATION : null,
      registryType: own ? "organization" : "internal",
    };
  });
}

const region = { findOne: async () => ({ id: "us", organizationId: null, snapshotManagerUrl: null }) };
const ecr = { isEcrUrl: () => false };

async function answers(typescript, root) {
  const load = source(typescript, root);
  const { DockerRegistryService } = load(`${API}/docker-registry/services/docker-registry.service`);
  const { parseDockerImage } = load(`${API}/common/utils/docker-image.util`);
  const { SnapshotService } = load(`${API}/sandbox/services/snapshot.service`);
  const names = load(`${API}/common/validators/is-safe-string.validator`);
  const service = (urls) => new DockerRegistryService(table(rows(urls)), {}, region, ecr);
  const of = (row) => (row && typeof row.id === "number" ? row.id : null);
  const lookedUp = async (urls, image) => {
    try {
      return of(await service(urls).findRegistryByImageName(image, "us", ORGANIZATION));
    } catch {
      return null;
    }
  };
  // As its snapshot manager pulls: the row for the name, else the operator's for Docker Hub.
  const pulled = async (urls, image) => {
    const found = await service(urls).findSourceRegistryBySnapshotImageName(image, "us", ORGANIZATION);
    return of(found ?? (await service(urls).getDefaultDockerHubRegistry()));
  };
  const every = (ask) => Promise.all(TABLES.map((urls) => Promise.all(IMAGES.map((image) => ask(urls, image)))));
  // What the runner is asked to look at before it pulls, as its snapshot manager asks; nothing where the name is refused before.
  const asked = async (image) => {
    try {
      const refused = SnapshotService.prototype.validateImageName.call({}, image);
      const parsed = parseDockerImage(image);
      parsed.registry ??= (await service([]).findRegistryByImageName(image, "us", ORGANIZATION)).url.replace("https://", "");
      return refused ? null : parsed.getFullName();
    } catch {
      return null;
    }
  };
  const list = async (text) => (await service(["quay.io"]).getSourceRegistriesForDockerfile(text, ORGANIZATION)).length > 0;
  return {
    looked_up: await every(lookedUp),
    pulled: await every(pulled),
    asked: await Promise.all(IMAGES.map(asked)),
    dockerfiles: await Promise.all(DOCKERFILES.map(list)),
    stored: await Promise.all(URLS.map(async (url) => (await service([]).create({ url }, ORGANIZATION)).url)),
    names: NAMES.map((name) => new names.IsSafeDisplayStringConstraint().validate(name)),
  };
}

async function main([typescript, ...versions]) {
  const answered = {};
  for (const one of versions) {
    const [version, root] = one.split("=");
    answered[version] = await answers(require(path.resolve(typescript)), root);
  }
  const all = { tables: TABLES, images: IMAGES, dockerfiles: DOCKERFILES, urls: URLS, names: NAMES, answers: answered };
  // One line for each list of answers.
  const text = JSON.stringify(all, (_, value) => (Array.isArray(value) && !Array.isArray(value[0]) ? "\u0001" + JSON.stringify(value) : value), 1);
  console.log(text.replace(/"\\u0001((?:[^"\\]|\\.)*)"/g, (_, list) => JSON.parse(`"${list}"`)));
}

main(process.argv.slice(2));
