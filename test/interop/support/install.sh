#!/usr/bin/env bash
# Unpacks the mail programs the interop tests talk to, and says of each whether it can be used.
#
#   install.sh [PROGRAM...]    default: postfix exim opensmtpd sendmail swaks
#
# On request also strace, which the tests of test/faults use; exim-debian, Debian's configuration of Exim,
# from which test/compliance makes that of a server; courier, which is examined there; postgrey and clamav,
# which stand beside a Postfix; exim-heavy, the Exim that talks to scanners; greylistd, spamassassin (with
# spamass-milter), opendmarc, policyd-spf and rspamd, which stand beside either; knot and unbound, for signed zones;
# iproute2, for networks of the test's own, and nftables for firewalls in them.
#
# Prints one line a program, fields separated by tabs:  NAME ready PREFIX  |  NAME missing REASON
#
# Debian's mail servers exclude each other and start when they are installed. So none is installed:
# each package is fetched with apt-get and unpacked into a prefix of its own, where no maintainer
# script runs. From apt come only the libraries those packages name, and these start nothing.
# Nothing here waits for an answer; a second run takes a fraction of a second.
set -uo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/pforte-interop
# shellcheck disable=SC1091
system=$(. /etc/os-release 2>/dev/null && echo "${ID:-linux}-${VERSION_ID:-0}")-$(uname -m)
base=$cache/$system
export DEBIAN_FRONTEND=noninteractive PATH=$PATH:/usr/sbin:/sbin LC_ALL=C

if [ "$(id -u)" = 0 ]; then root=()
elif sudo -n true 2>/dev/null; then root=(sudo -n)
else root=(no-root)
fi
may_be_root() { [ "${root[*]:-}" != no-root ]; }
as_root() { may_be_root && "${root[@]}" "$@"; }

packages_of() {
  case $1 in
    postfix) echo postfix ;;
    exim) echo exim4-daemon-light ;;
    exim-heavy) echo exim4-daemon-heavy ;;
    exim-debian) echo exim4-config ;;
    opensmtpd) echo opensmtpd ;;
    sendmail) echo sendmail-bin sendmail-cf m4 ;;
    courier) echo courier-mta courier-base courier-authlib ;;
    postgrey)
      echo postgrey libberkeleydb-perl libio-multiplex-perl libnet-dns-perl libnet-server-perl libnetaddr-ip-perl
      ;;
    clamav) echo clamav-daemon clamav-milter libclamav12 libmspack0 libmilter1.0.1 ;;
    spamassassin)
      echo spamassassin spamd spamc spamass-milter libmilter1.0.1 libhtml-parser-perl libhttp-date-perl \
        libio-string-perl libnet-dns-perl libnetaddr-ip-perl libsocket6-perl libsys-hostname-long-perl
      ;;
    opendmarc) echo opendmarc libopendmarc2 libmilter1.0.1 publicsuffix ;;
    policyd-spf) echo postfix-policyd-spf-python python3-spf-engine python3-spf python3-authres python3-dnspython ;;
    rspamd) echo rspamd libhyperscan5 libluajit-5.1-2 libluajit-5.1-common ;;
    greylistd | iproute2) echo "$1" ;;
    nftables) echo nftables libnftables1 ;;
    swaks | strace | knot | unbound) echo "$1" ;;
    *) return 1 ;;
  esac
}

# The binaries whose libraries must be there.
binaries_of() {
  case $1 in
    postfix) echo usr/lib/postfix/sbin/master usr/lib/postfix/sbin/smtpd ;;
    exim | exim-heavy) echo usr/sbin/exim4 ;;
    opensmtpd) echo usr/sbin/smtpd ;;
    sendmail) echo usr/libexec/sendmail/sendmail ;;
    courier)
      echo usr/sbin/couriertcpd usr/bin/couriertls usr/lib/courier/courier/submit
      echo usr/lib/courier/courier/modules/esmtp/courieresmtpd usr/lib/courier/courier-authlib/authdaemond
      echo usr/lib/courier/filters/perlfilter
      ;;
    postgrey) echo 'usr/lib/*/perl5/*/auto/BerkeleyDB/BerkeleyDB.so' ;;
    clamav) echo usr/sbin/clamd usr/sbin/clamav-milter ;;
    spamassassin)
      echo usr/bin/spamc usr/sbin/spamass-milter
      echo 'usr/lib/*/perl5/*/auto/HTML/Parser/Parser.so' 'usr/lib/*/perl5/*/auto/NetAddr/IP/Util/Util.so'
      ;;
    opendmarc) echo usr/sbin/opendmarc ;;
    rspamd) echo usr/bin/rspamd ;;
    iproute2) echo bin/ip ;;
    nftables) echo usr/sbin/nft ;;
    strace) echo usr/bin/strace ;;
    knot) echo usr/sbin/knotd usr/sbin/keymgr ;;
    unbound) echo usr/sbin/unbound ;;
    swaks | exim-debian | greylistd | policyd-spf) ;;
  esac
}

# user:group pairs the programs look up by name.
users_of() {
  case $1 in
    postfix) echo postfix:postfix postdrop:postdrop ;;
    exim | exim-heavy) echo Debian-exim:Debian-exim ;;
    opensmtpd) echo opensmtpd:opensmtpd opensmtpq:opensmtpq ;;
    sendmail) echo smmta:smmta smmsp:smmsp ;;
    courier) echo courier:courier ;;
  esac
}

updated=
update_lists() {
  [ -n "$updated" ] && return
  updated=yes
  as_root apt-get update -q >>"$log" 2>&1
}

download() { (cd "$1" && shift && apt-get -q -o APT::Sandbox::User=root download "$@") >>"$log" 2>&1; }

# A list older than the mirror names files that are gone: fetch the lists anew, once, and try again.
unpack() {
  local name=$1 work packages
  read -ra packages <<<"$(packages_of "$name")"
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || { reason='no apt-get or dpkg here'; return 1; }
  work=$(mktemp -d "$base/.unpack-XXXXXX") || { reason="cannot write to $base"; return 1; }
  if ! download "$work" "${packages[@]}"; then
    update_lists
    if ! download "$work" "${packages[@]}"; then
      rm -rf "$work"
      reason="apt-get download ${packages[*]} failed (see $log)"
      return 1
    fi
  fi
  mkdir "$work/root"
  for deb in "$work"/*.deb; do
    dpkg -x "$deb" "$work/root" || { reason="cannot unpack $deb"; return 1; }
    dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//; s/:any//; s/ //g' |
      grep -E '^(lib|zlib)' | grep -v '^libjs-' >>"$work/root/.libraries" || true
  done
  touch "$work/root/.libraries"
  chmod 755 "$work/root"
  rm -rf "${base:?}/$name"
  mv "$work/root" "$base/$name"
  rm -rf "$work"
}

missing_libraries() {
  local binary own
  own=$base/postfix/usr/lib/postfix:$base/$1/usr/lib:$base/$1/usr/lib/rspamd:$base/$1/usr/lib/$(uname -m)-linux-gnu
  cd "$base/$1" || return
  for binary in $(binaries_of "$1"); do
    LD_LIBRARY_PATH=$own ldd "./$binary" 2>/dev/null | awk '/not found/ { print $1 }'
  done | sort -u | tr '\n' ' '
}

libraries() {
  local name=$1 missing wanted
  missing=$(missing_libraries "$name")
  [ -z "$missing" ] && return
  if ! may_be_root; then reason="libraries ${missing% } missing, and neither root nor sudo to install them"; return 1; fi
  mapfile -t wanted <"$base/$name/.libraries"
  install_packages "${wanted[@]}" || { update_lists; install_packages "${wanted[@]}"; }
  missing=$(missing_libraries "$name")
  [ -z "$missing" ] || { reason="libraries ${missing% } missing after apt-get install (see $log)"; return 1; }
}

install_packages() {
  as_root apt-get -y -q -o DPkg::Lock::Timeout=120 install --no-install-recommends --no-upgrade "$@" >>"$log" 2>&1
}

# What a program of this kind must be able to do, for those that are written in perl or Python.
try_language() {
  case $1 in
    swaks | postgrey) perl -MGetopt::Long -MIO::Socket -e 1 ;;
    spamassassin) /usr/bin/perl -MArchive::Tar -MPod::Usage -MSys::Syslog -MTime::HiRes -e 1 ;;
    greylistd | policyd-spf) /usr/bin/python3 -c 'import ipaddress, syslog' ;;
  esac 2>/dev/null
}

language() {
  local package=perl
  case $1 in greylistd | policyd-spf) package=python3 ;; esac
  try_language "$1" && return
  if may_be_root; then install_packages "$package" || { update_lists; install_packages "$package"; }; fi
  try_language "$1" || { reason="$package missing"; return 1; }
}

users() {
  local pair user group
  for pair in $(users_of "$1"); do
    user=${pair%:*} group=${pair#*:}
    getent passwd "$user" >/dev/null && getent group "$group" >/dev/null && continue
    if ! may_be_root; then reason="system user $user missing, and neither root nor sudo to create it"; return 1; fi
    getent group "$group" >/dev/null || as_root groupadd --system "$group" >>"$log" 2>&1
    getent passwd "$user" >/dev/null ||
      as_root useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin --gid "$group" "$user" >>"$log" 2>&1
    getent passwd "$user" >/dev/null || { reason="cannot create system user $user (see $log)"; return 1; }
  done
}

# Exim, swaks and the name servers run as anybody; the other servers change user themselves.
privileges() {
  case $1 in
    exim | exim-heavy | exim-debian | greylistd | swaks | strace | knot | unbound) return ;;
  esac
  may_be_root || { reason='needs root or sudo to run'; return 1; }
  case $1 in
    opensmtpd | sendmail | courier | postgrey | clamav | spamassassin | opendmarc | rspamd)
      as_root unshare --mount --pid --fork true 2>/dev/null || { reason='needs a mount namespace (CAP_SYS_ADMIN)'; return 1; }
      ;;
    iproute2)
      as_root unshare --net true 2>/dev/null || { reason='needs a network namespace (CAP_SYS_ADMIN)'; return 1; }
      ;;
    nftables)
      as_root unshare --net env "LD_LIBRARY_PATH=$base/$1/usr/lib/$(uname -m)-linux-gnu" \
        "$base/$1/usr/sbin/nft" add table inet probe 2>>"$log" ||
        { reason="needs a kernel with nf_tables and a network namespace (see $log)"; return 1; }
      ;;
  esac
}

mkdir -p "$base" || exit 1
log=$base/install.log
exec 9>"$base/.lock"
flock 9 # two test files may start at once

[ $# -gt 0 ] || set -- postfix exim opensmtpd sendmail swaks
for name in "$@"; do
  packages_of "$name" >/dev/null || { printf '%s\tmissing\tunknown program\n' "$name"; continue; }
  reason=
  if { [ -e "$base/$name/.libraries" ] || unpack "$name"; } &&
    libraries "$name" && language "$name" && users "$name" && privileges "$name"; then
    printf '%s\tready\t%s\n' "$name" "$base/$name"
  else
    printf '%s\tmissing\t%s\n' "$name" "${reason:-unknown reason (see $log)}"
  fi
done
