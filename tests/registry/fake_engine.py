"""A stand-in for the command line of Docker and Podman, where no engine can run.

It knows the few commands that the suite uses and starts the real registry program as "container": the mounted
configuration with the container's addresses and paths put back to the host's. Beside it lie `program` (the
registry's path), `calls` (every argument list, a JSON line each) and, where a test wants them, `broken` (what to
say instead of answering) and `rootless`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PLACE = Path(sys.argv[0]).parent


def main(arguments: list[str]) -> int:
    with (PLACE / "calls").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(arguments) + "\n")
    broken = PLACE / "broken"
    if broken.exists():
        command, said = broken.read_text("utf-8").split("\n", 1)
        if arguments[0] == command:
            print(said, file=sys.stderr)
            return 1
    return COMMANDS[arguments[0]](arguments[1:])


def info(_arguments: list[str]) -> int:
    rootless = ["name=rootless"] if (PLACE / "rootless").exists() else []
    print(json.dumps({"SecurityOptions": ["name=seccomp", *rootless]}))
    return 0


def image(_arguments: list[str]) -> int:
    return 0 if (PLACE / "image").exists() else 1


def pull(_arguments: list[str]) -> int:
    (PLACE / "image").touch()
    return 0


def run(arguments: list[str]) -> int:
    options: dict[str, list[str]] = {}
    names = iter(arguments[:-1])
    for name in names:
        if name not in ("--rm", "--detach"):
            options.setdefault(name, []).append(next(names))
    ports = {
        inside: f"{address}:{port}"
        for address, port, inside in (each.split(":") for each in options["--publish"])
    }
    mounts = {parts[1]: parts[0] for parts in (each.split(":") for each in options["--volume"])}
    configuration = json.loads(Path(mounts["/etc/distribution/config.yml"]).read_text("utf-8"))
    http = configuration["http"]
    http["addr"] = ports[http["addr"].strip(":")]
    http["debug"]["addr"] = ports[http["debug"]["addr"].strip(":")]
    files = configuration["storage"]["filesystem"]
    files["rootdirectory"] = mounts[files["rootdirectory"]]
    (name,) = options["--name"]
    container = PLACE / "containers" / name
    container.mkdir(parents=True)
    (container / "labels").write_text("\n".join(options["--label"]), "utf-8")
    (container / "config.json").write_text(json.dumps(configuration), "utf-8")
    with (container / "log").open("wb") as log:
        started = subprocess.Popen(
            [(PLACE / "program").read_text("utf-8"), "serve", str(container / "config.json")],
            stdout=log,
            stderr=log,
            env=dict(each.split("=", 1) for each in options["--env"]),
            start_new_session=True,
        )
    (container / "pid").write_text(str(started.pid), "utf-8")
    started.returncode = 0
    print("0123456789ab")
    return 0


def logs(arguments: list[str]) -> int:
    container = PLACE / "containers" / arguments[-1]
    pid = int((container / "pid").read_text("utf-8"))
    with (container / "log").open("rb") as log:
        while True:
            alive = running(pid)
            sys.stdout.buffer.write(log.read())
            sys.stdout.buffer.flush()
            if not alive:
                return 0
            time.sleep(0.01)


def rm(arguments: list[str]) -> int:
    for name in (each for each in arguments if not each.startswith("--")):
        container = PLACE / "containers" / name
        if not container.exists():
            continue
        pid = int((container / "pid").read_text("utf-8"))
        while running(pid):
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        container.rename(PLACE / f"removed-{name}")
    return 0


def ps(arguments: list[str]) -> int:
    wanted = [each.removeprefix("label=") for each in arguments if each.startswith("label=")]
    for container in sorted((PLACE / "containers").glob("*")):
        labels = (container / "labels").read_text("utf-8").splitlines()
        if all(any(label == each or label.startswith(f"{each}=") for label in labels) for each in wanted):
            print(container.name)
    return 0


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


COMMANDS = {"info": info, "image": image, "pull": pull, "run": run, "logs": logs, "rm": rm, "ps": ps}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
