#!/bin/sh
# tests/browser needs Chromium. Where it is missing and root has apt-get, Debian's is installed; elsewhere the
# browser tests themselves say what they lack.
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "No Chromium on the PATH: install it (Debian: apt install chromium) for the browser tests."
    exit 0
fi
echo "Installing Debian's chromium for the browser tests"
export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null ||
    echo "Chromium could not be installed."
