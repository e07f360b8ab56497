#!/usr/bin/env bash
# A repository of a given number of files, the same at every run: of a hundred, 8 name images (Dockerfiles, Compose files,
# manifests of three documents and workflows), 17 are YAML without any, 65 are source, and 10 are left out by .gitignore.
#
#   benches/tree.sh FOLDER [FILES]
set -euo pipefail
folder=$1 files=${2:-20000}

dockerfile='ARG GO=1.23
FROM --platform=$BUILDPLATFORM golang:${GO}-alpine AS build
RUN --mount=type=bind,from=busybox:1.36,target=/b go build ./...
FROM gcr.io/distroless/static:nonroot
COPY --from=build /out /app
'
compose='x-base: &base { restart: always, image: "redis:7" }
services:
  api: { build: . }
  db: { image: "postgres:${PG:-17.2}" }
  cache: { <<: *base }
'
manifest='apiVersion: apps/v1
kind: Deployment
metadata: { name: api }
spec:
  template:
    spec:
      initContainers: [{ name: init, image: "busybox:1.36" }]
      containers:
        - { name: api, image: "ghcr.io/acme/api:1.2.3", resources: { limits: { cpu: 1, memory: 1Gi } } }
'
workflow='on: push
jobs:
  test:
    runs-on: ubuntu-latest
    container: node:20
    services: { db: { image: "postgres:17" } }
    steps: [{ uses: actions/checkout@v4 }, { uses: "docker://hadolint/hadolint:v2" }]
'
yaml=$(for line in $(seq 60); do printf 'key-%s: { name: value, list: [1, 2, 3], text: "some words" }\n' "$line"; done)
source=$(for line in $(seq 120); do printf 'fn function_%s() -> usize { let image = %s; image + 1 }\n' "$line" "$line"; done)

mkdir -p "$folder"
printf 'vendor/\n*.generated.yaml\n' >"$folder/.gitignore"
for ((index = 0; index < files; index++)); do
    # A hundred files a folder, forty folders a branch.
    here=$folder/part-$((index / 4000))/module-$((index / 100))
    if ((index % 100 == 0)); then mkdir -p "$here/vendor" "$here/.github/workflows"; fi
    case $((index % 100)) in
        0 | 1) printf '%s' "$dockerfile" >"$here/Dockerfile.$index" ;;
        2 | 3) printf '%s' "$compose" >"$here/compose-$index.yaml" ;;
        4 | 5) printf '%s---\n%s---\n%s' "$manifest" "$manifest" "$manifest" >"$here/deploy-$index.yaml" ;;
        6 | 7) printf '%s' "$workflow" >"$here/.github/workflows/ci-$index.yml" ;;
        8 | 9 | 1? | 2[0-4]) printf '%s\n' "$yaml" >"$here/values-$index.yaml" ;;
        9?) printf '%s' "$dockerfile" >"$here/vendor/Dockerfile.$index" ;;
        *) printf '%s\n' "$source" >"$here/source-$index.rs" ;;
    esac
done
