"""A tiny replicator, honest or with one of the faults that real ones have. Run as a program of its own:

    replicator.py FAULT copy HOST/REPOSITORY:TAG HOST/REPOSITORY:TAG
    replicator.py FAULT tree HOST/PREFIX HOST/PREFIX

Standard library only, and nothing of perf: it must not share a mistake with what is tested.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

ACCEPT = ", ".join(f"application/vnd.oci.image.{kind}.v1+json" for kind in ("index", "manifest"))


class Registry:
    def __init__(self, host: str) -> None:
        self.connection = http.client.HTTPConnection(host, timeout=30)

    def ask(self, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None):
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        self.connection.request(method, path, body, headers or {})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def get(self, url: str, accept: str = "*/*") -> tuple[bytes, str]:
        status, headers, body = self.ask("GET", url, headers={"Accept": accept})
        if status != 200:
            raise SystemExit(f"error: GET {url}: {status}")
        return body, headers.get("Content-Type", "")

    def put_blob(self, repository: str, digest: str, content: bytes) -> None:
        status, headers, _ = self.ask("POST", f"/v2/{repository}/blobs/uploads/")
        location = headers["Location"]
        joined = f"{location}{'&' if '?' in location else '?'}digest={digest}"
        status, _, body = self.ask("PUT", joined, content, {"Content-Type": "application/octet-stream"})
        if status != 201:
            raise SystemExit(f"error: PUT blob {digest}: {status} {body.decode()}")

    def put_manifest(self, repository: str, reference: str, content: bytes, media_type: str) -> None:
        url = f"/v2/{repository}/manifests/{reference}"
        status, _, body = self.ask("PUT", url, content, {"Content-Type": media_type})
        if status != 201:
            raise SystemExit(f"error: PUT manifest {reference}: {status} {body.decode()}")


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def copy(fault: str, source: str, destination: str) -> None:
    from_host, _, from_name = source.partition("/")
    to_host, _, to_name = destination.partition("/")
    repository, _, tag = from_name.rpartition(":")
    to_repository, _, to_tag = to_name.rpartition(":")
    registries = Registry(from_host), Registry(to_host)
    copy_manifest(fault, registries, (repository, tag), (to_repository, to_tag))


def copy_manifest(fault: str, registries, place: tuple[str, str], to: tuple[str, str]) -> None:
    source, destination = registries
    content, media_type = source.get(f"/v2/{place[0]}/manifests/{place[1]}", ACCEPT)
    manifest = json.loads(content)
    for child in manifest.get("manifests", ()):
        if fault == "children left behind":
            continue
        copy_manifest(fault, registries, (place[0], child["digest"]), (to[0], child["digest"]))
    for layer in manifest.get("layers", ()):
        layer_bytes, _ = source.get(f"/v2/{place[0]}/blobs/{layer['digest']}")
        if fault == "layer cut short":
            layer_bytes = layer_bytes[:512]
        if fault == "layer garbled":
            layer_bytes = bytes(len(layer_bytes))
        if fault == "manifest rewritten":
            layer_bytes = layer_bytes[:512]
            layer.update(digest=digest_of(layer_bytes), size=len(layer_bytes))
        if fault != "layers left behind":
            destination.put_blob(to[0], layer["digest"], layer_bytes)
    if "config" in manifest and fault != "config left behind":
        config, _ = source.get(f"/v2/{place[0]}/blobs/{manifest['config']['digest']}")
        destination.put_blob(to[0], manifest["config"]["digest"], config)
    if fault == "manifest rewritten":
        content = json.dumps(manifest).encode()
    destination.put_manifest(to[0], to[1], content, media_type)


def tree(fault: str, source: str, destination: str) -> None:
    from_host, _, prefix = source.partition("/")
    to_host, _, to = destination.partition("/")
    catalog = json.loads(Registry(from_host).get("/v2/_catalog?n=1000")[0])["repositories"]
    for repository in catalog:
        if not repository.startswith(f"{prefix}/"):
            continue
        for tag in json.loads(Registry(from_host).get(f"/v2/{repository}/tags/list")[0])["tags"]:
            target = f"{to}{repository.removeprefix(prefix)}"
            copy(fault, f"{from_host}/{repository}:{tag}", f"{to_host}/{target}:{tag}")


def main(fault: str, command: str, source: str, destination: str) -> int:
    if fault == "nothing copied":
        print("Tags copied: 0\nErrors: none")
        return 0
    if fault == "crash":
        print("panic: runtime error: index out of range", file=sys.stderr)
        os.abort()
    if fault == "hang":
        sleeper = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(600)"])
        Path(os.environ["PIDS"]).joinpath(str(sleeper.pid)).touch()
        time.sleep(600)
    if fault == "some left behind" and source.endswith(":v2"):
        print("ERROR: giving up", file=sys.stderr)
        return 0
    if fault == "flood":
        for _ in range(3):
            sys.stdout.write("still copying, no news\n" * 50_000)
    {"copy": copy, "tree": tree}[command](fault, source, destination)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
