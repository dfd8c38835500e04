"""The configuration of a CNCF distribution v3 registry. Pure."""

from __future__ import annotations

import json
from typing import Final

# A header on every answer says which process gave it: a port can change hands between choice and start.
INSTANCE_HEADER: Final = "X-Perf-Instance"
# OpenTelemetry is on by default and would look for a collector.
ENVIRONMENT: Final = {"OTEL_TRACES_EXPORTER": "none"}


def configuration(*, address: str, debug_address: str, storage: str, instance: str) -> str:
    """YAML (JSON is) for a registry without authentication: filesystem storage, JSON log, Prometheus metrics.

    `instance` serves as its secret and is named in every answer.
    """
    return json.dumps(
        {
            "version": "0.1",
            # The JSON logger writes a line a request already; `accesslog` would write each again as plain text.
            "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": storage},
                # It would walk the storage in the middle of a measurement.
                "maintenance": {"uploadpurging": {"enabled": False}},
            },
            "http": {
                "addr": address,
                "secret": instance,
                "headers": {INSTANCE_HEADER: [instance]},
                "debug": {"addr": debug_address, "prometheus": {"enabled": True, "path": "/metrics"}},
            },
            "health": {"storagedriver": {"enabled": False}},
        },
        indent=2,
    )
