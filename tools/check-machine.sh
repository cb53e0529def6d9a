#!/bin/sh
# What has to be there before npm can install the rest.
set -eu

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo 'Node.js with npm is missing. On Debian: apt-get install nodejs npm (version 20 or newer)' >&2
  exit 1
fi
version=$(node --version)
major=${version#v}
if [ "${major%%.*}" -lt 20 ]; then
  echo "Node.js $version is too old: npm needs 20 or newer to install Node 26" >&2
  exit 1
fi

# Node 26 is linked with libatomic; Debian 12 without a compiler may lack it.
has_libatomic() {
  for file in /usr/lib/*/libatomic.so.1 /lib/*/libatomic.so.1 /usr/lib64/libatomic.so.1; do
    [ -e "$file" ] && return 0
  done
  return 1
}

if [ "$(uname -s)" = Linux ] && ! has_libatomic; then
  install='apt-get install -y -q --no-install-recommends libatomic1'
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo 'installing libatomic1, which Node 26 needs' >&2
    $install >/dev/null 2>&1 || { apt-get update -q >/dev/null && $install >/dev/null; }
  else
    echo 'libatomic.so.1 is missing, which Node 26 needs. On Debian: apt-get install libatomic1' >&2
    exit 1
  fi
fi
