#!/bin/sh
# What has to be there before npm can install the rest.
set -eu

major() { echo "${1#v}" | cut -d. -f1; }

command -v node >/dev/null || {
  echo 'Node.js is missing. On Debian: apt-get install nodejs npm (version 20 or newer)' >&2
  exit 1
}
[ "$(major "$(node --version)")" -ge 20 ] || {
  echo "Node.js $(node --version) is too old: npm needs 20 or newer to install Node 26" >&2
  exit 1
}
command -v npm >/dev/null || {
  echo 'npm is missing. On Debian: apt-get install npm' >&2
  exit 1
}
# Node 26 is linked with libatomic; Debian 12 without a compiler may lack it.
if [ "$(uname -s)" = Linux ] && ! ls /usr/lib/*/libatomic.so.1 /lib/*/libatomic.so.1 /usr/lib*/libatomic.so.1 >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ]; then
    apt-get install -y -q --no-install-recommends libatomic1 >/dev/null 2>&1 ||
      { apt-get update -q >/dev/null && apt-get install -y -q --no-install-recommends libatomic1 >/dev/null; }
  else
    echo 'libatomic.so.1 is missing, which Node 26 needs: sudo apt-get install libatomic1' >&2
    exit 1
  fi
fi
