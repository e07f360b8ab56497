#!/usr/bin/env bash
# Puts regcred on the path, from the release's archive for this runner, if it has the checksum that the workflow names.
set -euo pipefail

case $RUNNER_OS-$RUNNER_ARCH in
    Linux-X64) target=x86_64-unknown-linux-musl ;;
    Linux-ARM64) target=aarch64-unknown-linux-musl ;;
    macOS-X64) target=x86_64-apple-darwin ;;
    macOS-ARM64) target=aarch64-apple-darwin ;;
    *) echo "::error::there is no regcred for $RUNNER_OS on $RUNNER_ARCH"; exit 3 ;;
esac

archive=regcred-$VERSION-$target.tar.gz
folder=$RUNNER_TEMP/regcred-$VERSION
mkdir -p "$folder"
gh release download "v$VERSION" --repo "$REPOSITORY" --pattern "$archive" --dir "$folder" --clobber
# macOS has the one, small images of Linux the other.
check() { if command -v shasum >/dev/null; then shasum -a 256 --check; else sha256sum --check; fi; }
if ! (cd "$folder" && printf '%s  %s\n' "$SHA256" "$archive" | check); then
    echo "::error::$archive has not the checksum $SHA256; the right one is in the release's SHA256SUMS"
    exit 3
fi
tar -xzf "$folder/$archive" -C "$folder" --strip-components=1
echo "$folder" >>"$GITHUB_PATH"
