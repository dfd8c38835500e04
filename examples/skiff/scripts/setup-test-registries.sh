#!/usr/bin/env bash
# Starts two CNCF distribution registries on loopback and fills the first with
# project-{a,b,c}/service-{1,2,3,4}. With --cleanup, stops them and removes their data.
#
# The registry program is $SKIFF_REGISTRY_BIN, else "registry" on PATH, else it is
# installed once into the cache. Ports: SKIFF_SOURCE_PORT (5100), SKIFF_DEST_PORT (5101).
set -eu

distribution=github.com/distribution/distribution/v3/cmd/registry@v3.0.0
source_port=${SKIFF_SOURCE_PORT:-5100}
dest_port=${SKIFF_DEST_PORT:-5101}
cache=${XDG_CACHE_HOME:-${HOME:?neither XDG_CACHE_HOME nor HOME is set}/.cache}/skiff
here=$(cd "$(dirname "$0")/.." && pwd)
started=""

say() { printf 'setup-test-registries: %s\n' "$*"; }
die() {
    printf 'setup-test-registries: %s\n' "$*" >&2
    exit 1
}

state() { printf '%s/registries/%s' "$cache" "$1"; }

# command_line PID: what a process was started with; nothing when it has ended.
command_line() {
    if [ -d /proc/self ]; then
        if [ -r "/proc/$1/cmdline" ]; then tr '\0' ' ' <"/proc/$1/cmdline"; fi
    else
        ps -o command= -p "$1"
    fi
}

# ours PORT: whether the registry this script started there is running. Its configuration
# file stands in its command line, so that a process number used again is not mistaken for it.
ours() {
    [ -f "$(state "$1")/pid" ] || return 1
    case $(command_line "$(cat "$(state "$1")/pid")") in
    *"$(state "$1")/config.yml"*) return 0 ;;
    *) return 1 ;;
    esac
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# stop PORT: end the registry there, if it is ours, and remove its data.
stop() {
    if ours "$1"; then
        pid=$(cat "$(state "$1")/pid")
        kill -TERM "$pid"
        for _ in $(seq 50); do
            ours "$1" || break
            sleep 0.1
        done
        if ours "$1"; then
            kill -KILL "$pid"
        fi
        say "stopped the registry on port $1"
    fi
    rm -rf "$(state "$1")"
}

stop_started() {
    status=$?
    if [ "$status" -ne 0 ]; then
        for port in $started; do
            stop "$port"
        done
    fi
    exit "$status"
}

registry_program() {
    if [ -n "${SKIFF_REGISTRY_BIN:-}" ]; then
        [ -x "$SKIFF_REGISTRY_BIN" ] || die "SKIFF_REGISTRY_BIN is $SKIFF_REGISTRY_BIN, which is no program"
        registry=$SKIFF_REGISTRY_BIN
        return
    fi
    if command -v registry >/dev/null; then
        registry=$(command -v registry)
        case $("$registry" --version 2>&1) in
        *distribution*) return ;;
        esac
        say "$registry is not the CNCF registry, leaving it alone"
    fi
    registry=$cache/bin/registry-${distribution##*@}
    [ ! -x "$registry" ] || return 0
    command -v go >/dev/null || die "no registry and no go to install one with; install Go, or set SKIFF_REGISTRY_BIN"
    say "installing ${distribution%%@*} ${distribution##*@}, once; this takes a minute"
    mkdir -p "$cache/bin/new.$$"
    GOBIN=$cache/bin/new.$$ GOFLAGS="" go install "$distribution"
    mv "$cache/bin/new.$$/registry" "$registry"
    rmdir "$cache/bin/new.$$"
}

# start PORT: run a registry there unless ours is running already.
start() {
    if ours "$1"; then
        say "the registry on port $1 is running already"
        return
    fi
    if listening "$1"; then
        die "port $1 is taken by another program; stop it, or choose other ports by SKIFF_SOURCE_PORT and SKIFF_DEST_PORT"
    fi
    dir=$(state "$1")
    rm -rf "$dir"
    mkdir -p "$dir/data"
    cat >"$dir/config.yml" <<CONFIG
version: 0.1
log: {level: warn, formatter: json, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: "$dir/data"}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$1", secret: skiff-test-registry}
CONFIG
    started="$started $1"
    OTEL_TRACES_EXPORTER=none nohup "$registry" serve "$dir/config.yml" >"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    for _ in $(seq 150); do
        ours "$1" || die "the registry on port $1 ended at once: $(tail -n 3 "$dir/log")"
        if "$seed" -check -registry "127.0.0.1:$1"; then
            say "started a registry on 127.0.0.1:$1"
            return
        fi
        sleep 0.1
    done
    die "the registry on port $1 does not answer; see $dir/log"
}

case ${1:-} in
--cleanup)
    stop "$source_port"
    stop "$dest_port"
    say "cleaned up"
    ;;
"")
    trap stop_started EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    registry_program
    seed=$cache/bin/seed
    mkdir -p "$cache/bin"
    (cd "$here" && go build -o "$seed" ./internal/seed)
    start "$source_port"
    start "$dest_port"
    "$seed" -registry "127.0.0.1:$source_port"
    say "source 127.0.0.1:$source_port, destination 127.0.0.1:$dest_port; remove them with $0 --cleanup"
    ;;
*)
    die "usage: $0 [--cleanup]"
    ;;
esac
