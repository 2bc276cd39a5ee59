"""The gateways compared: how each is installed, configured and started.

Everything they need lands under the work folder. What cannot be had raises `Unavailable`, which
the report repeats to the reader.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from .load import Door
from .procs import complaint

LITELLM = "litellm[proxy]==1.106.2"
PORTKEY: dict[str, object] = {
    "private": True,
    "dependencies": {"@portkey-ai/gateway": "1.15.2"},
    "overrides": {"hono": "4.9.7", "@hono/node-server": "1.13.5", "@hono/node-ws": "1.2.0"},
}
_HERE = Path(__file__).parent
_INSTALL_SECONDS = 900
# Made up. LiteLLM refuses to start with a key that looks weak.
_KEY = "sk-bench-9f3b1c77e0d24a5b8c6d"
_BEARER = ("authorization", f"Bearer {_KEY}")


class Unavailable(RuntimeError):
    """This gateway cannot take part. Its text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gateway is to live: its folder, its port, the upstream's, the models it must know."""

    folder: Path
    port: int
    upstream: int
    models: tuple[str, ...]

    def write(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a gateway and talk to it. An empty `argv`: nothing to start."""

    version: str
    door: Door
    argv: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)


def _run(argv: Sequence[str], cwd: Path, what: str) -> str:
    """The output of an installer's step. Raises Unavailable with the last thing it said."""
    try:
        done = subprocess.run(
            argv, cwd=cwd, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
        )
    except FileNotFoundError:
        raise Unavailable(f"{what}: {argv[0]} is not on this machine") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{what}: no end after {_INSTALL_SECONDS} s") from None
    if done.returncode:
        raise Unavailable(
            f"{what}: exit {done.returncode}, {complaint(done.stderr or done.stdout)}"
        )
    return done.stdout.strip()


def _direct(place: Place) -> Launch:
    return Launch("no gateway", Door(place.upstream, headers=(_BEARER,)))


_NGINX_CONF = """\
daemon off;
master_process on;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  upstream model {{
    server 127.0.0.1:{upstream};
    keepalive 512;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


def _nginx_binary(folder: Path) -> str:
    """The system's nginx, or Debian's package unpacked in the folder."""
    unpacked = folder / "root/usr/sbin/nginx"
    if found := shutil.which("nginx"):
        return found
    if not unpacked.exists():
        try:
            _run(["apt-get", "download", "nginx"], folder, "downloading nginx")
        except Unavailable:  # most often the lists of packages are missing
            _run(["apt-get", "update"], folder, "apt-get update")
            _run(["apt-get", "download", "nginx"], folder, "downloading nginx")
        package = max(folder.glob("nginx_*.deb"))
        _run(["dpkg", "-x", str(package), str(folder / "root")], folder, "unpacking nginx")
    return str(unpacked)


def _nginx(place: Place) -> Launch:
    folder = place.folder.resolve()
    binary = _nginx_binary(folder)
    conf = _NGINX_CONF.format(folder=folder, upstream=place.upstream, port=place.port)
    path = place.write("nginx.conf", conf)
    version = subprocess.run([binary, "-v"], capture_output=True, text=True, check=False).stderr
    argv = (binary, "-p", str(folder), "-e", "stderr", "-c", str(path))
    return Launch(
        version.strip().rpartition("/")[2] or "?", Door(place.port, headers=(_BEARER,)), argv
    )


def _litellm(place: Place) -> Launch:
    venv = place.folder / "venv"
    python, program = str(venv / "bin/python"), str(venv / "bin/litellm")
    if not Path(program).exists():
        _run([sys.executable, "-m", "venv", str(venv)], place.folder, "making a venv")
        _run(
            [python, "-m", "pip", "install", "-q", LITELLM], place.folder, f"pip install {LITELLM}"
        )
    ask_version = "from importlib.metadata import version; print(version('litellm'))"
    config = {
        "model_list": [
            {
                "model_name": model,
                "litellm_params": {
                    "model": f"openai/{model}",
                    "api_base": f"http://127.0.0.1:{place.upstream}/v1",
                    "api_key": _KEY,
                },
            }
            for model in place.models
        ],
        "general_settings": {"master_key": _KEY},
        "litellm_settings": {"request_timeout": 120, "telemetry": False},
    }
    path = place.write("config.yaml", json.dumps(config, indent=1))  # JSON is YAML too
    return Launch(
        _run([python, "-c", ask_version], place.folder, "asking litellm's version"),
        Door(place.port, headers=(_BEARER,)),
        (program, "--config", str(path), "--host", "127.0.0.1", "--port", str(place.port),
         "--num_workers", "1"),
        {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_DOCS": "True", "LITELLM_LOG": "ERROR"},
    )  # fmt: skip


def _portkey(place: Place) -> Launch:
    package = place.folder / "node_modules/@portkey-ai/gateway"
    if not package.exists():
        place.write("package.json", json.dumps(PORTKEY, indent=1))
        # Its post-install only patches how long it waits between retries; nothing here is retried.
        install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        _run(install, place.folder, "npm install @portkey-ai/gateway")
    node = shutil.which("node")
    if node is None:
        raise Unavailable("node is not on this machine")
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    runtime = _run([node, "--version"], place.folder, "asking node's version")
    headers = (
        _BEARER,
        ("x-portkey-provider", "openai"),
        ("x-portkey-custom-host", f"http://127.0.0.1:{place.upstream}/v1"),
    )
    return Launch(
        f"{version} on node {runtime}",
        Door(place.port, headers=headers),
        (node, "--require", str(_HERE / "loopback.cjs"), str(package / "build/start-server.js"),
         f"--port={place.port}", "--headless"),
        {"NODE_ENV": "production"},
    )  # fmt: skip


_HOLDFAST_CONF = """\
[server]
host = "127.0.0.1"
port = {port}
data_dir = "./data"

[providers.fake]
dialect = "chat"
base_url = "http://127.0.0.1:{upstream}/v1"
api_keys = ["env:BENCH_KEY"]

[gateway]
api_keys = ["env:BENCH_KEY"]
"""
_HOLDFAST_ROUTE = """
[routes."{model}"]
targets = ["fake/{model}"]
"""


def _holdfast(place: Place) -> Launch:
    program = Path(sys.executable).with_name("holdfast")
    if not program.exists():
        raise Unavailable("this Python has no holdfast command: install the project first")
    routes = "".join(_HOLDFAST_ROUTE.format(model=model) for model in place.models)
    conf = _HOLDFAST_CONF.format(port=place.port, upstream=place.upstream) + routes
    path = place.write("holdfast.toml", conf)
    return Launch(
        f"{metadata.version('holdfast')} on Python {platform.python_version()}",
        Door(place.port, headers=(_BEARER,)),
        (str(program), "serve", "--config", str(path)),
        {"BENCH_KEY": _KEY},
    )


BASELINE = "direct"
YARDSTICK = "litellm"
OURS = "holdfast"
PEERS: Mapping[str, Callable[[Place], Launch]] = {
    BASELINE: _direct,
    "nginx": _nginx,
    YARDSTICK: _litellm,
    "portkey": _portkey,
    OURS: _holdfast,
}


def place_for(name: str, work: Path, ports: tuple[int, int], models: tuple[str, ...]) -> Place:
    """A folder of its own for this gateway. `ports`: its own, the upstream's."""
    folder = work.resolve() / name
    os.makedirs(folder, exist_ok=True)
    return Place(folder, *ports, models)
