#!/bin/sh
# npm leaves out an optional package it cannot install without a word: look whether Node 26 is really there.
set -eu
node=node_modules/.bin/node
if [ ! -x "$node" ]; then
  echo "npm installed no Node 26 for $(uname -s) $(uname -m): Pforte ships with it for Linux on x64 and arm64" >&2
  exit 1
fi
version=$("$node" --version) || {
  echo "$node does not start" >&2
  exit 1
}
case $version in
  v2[6-9].* | v[3-9][0-9].*) ;;
  *)
    echo "$node is $version, 26 or newer is needed" >&2
    exit 1
    ;;
esac
