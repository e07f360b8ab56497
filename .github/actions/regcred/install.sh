#!/usr/bin/env bash
# Puts regcred on the path, from the release's archive for this runner. It has to have the checksum that the workflow names; if
# none is named, the one of the release's list, of which GitHub attests that the release workflow made it. Without a version it is
# that of the repository that the action is in.
set -euo pipefail

refuse() { echo "::error::$1"; exit 3; }

case $RUNNER_OS-$RUNNER_ARCH in
    Linux-X64) target=x86_64-unknown-linux-musl.tar.xz ;;
    Linux-ARM64) target=aarch64-unknown-linux-musl.tar.xz ;;
    macOS-X64) target=x86_64-apple-darwin.tar.xz ;;
    macOS-ARM64) target=aarch64-apple-darwin.tar.xz ;;
    # Windows 11 runs programs for x86-64 on ARM, too.
    Windows-X64 | Windows-ARM64) target=x86_64-pc-windows-msvc.zip ;;
    *) refuse "there is no regcred for $RUNNER_OS on $RUNNER_ARCH" ;;
esac

if [ -z "$VERSION" ]; then
    # The action is regcred's root, or in its .github/actions. A copy may be in a repository with a Cargo.toml of its own.
    for cargo in "$GITHUB_ACTION_PATH"/{,../../../}Cargo.toml; do
        grep -qsx 'name = "regcred"' "$cargo" || continue
        VERSION=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$cargo")
    done
    [ -n "$VERSION" ] || refuse "\`version:\` is missing: the action was copied, and does not know which release it belongs to"
fi
archive=regcred-$VERSION-$target
folder=$RUNNER_TEMP/regcred-$VERSION
mkdir -p "$folder"
get() { gh release download "v$VERSION" --repo "$REPOSITORY" --pattern "$1" --dir "$folder" --clobber; }
get "$archive"
if [ -z "$SHA256" ]; then
    get SHA256SUMS
    gh attestation verify "$folder/SHA256SUMS" --repo "$REPOSITORY" \
        --signer-workflow "$REPOSITORY/.github/workflows/release.yml" >/dev/null ||
        refuse "SHA256SUMS of v$VERSION has no provenance of $REPOSITORY: nothing is installed"
    SHA256=$(NAME=$archive awk '$2 == ENVIRON["NAME"] { print $1 }' "$folder/SHA256SUMS")
fi
# macOS has the one, small images of Linux and Git for Windows the other.
check() { if [ "$RUNNER_OS" = macOS ]; then shasum -a 256 -c; else sha256sum -c; fi; }
(cd "$folder" && printf '%s  %s\n' "$SHA256" "$archive" | check) ||
    refuse "$archive has not the checksum $SHA256; the right one is in the release's SHA256SUMS"

path=$folder/${archive%%.[tz]*}
case $archive in
    # Git for Windows has unzip: https://github.com/git-for-windows/git/issues/775.
    *.zip) unzip -q -o "$folder/$archive" -d "$folder" ;;
    *) tar -xJf "$folder/$archive" -C "$folder" ;;
esac
# The steps that come later may use any shell of Windows.
if [ "$RUNNER_OS" = Windows ]; then path=$(cygpath -w "$path"); fi
echo "$path" >>"$GITHUB_PATH"
