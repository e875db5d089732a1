"""deploy/: what the container files promise, read as an engine reads them; there is none where the tests run."""

import json
import os
import re
import shlex
import subprocess
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from kg.cli import main

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSED = sorted(DEPLOY.glob("compose*.yaml"))
DOCKERFILES = sorted(DEPLOY.glob("*Dockerfile"))
ALONE = {"publish"}  # what ends by itself, and whose end is waited for
GUIDE = ("docs/operating.md", "docs/operating.ja.md")


@dataclass(frozen=True)
class Stage:
    """The last part of a Dockerfile that makes an image: its instructions in order."""

    instructions: list[tuple[str, str]]

    def last(self, name: str) -> str:
        """What the last instruction of a name says; empty where there is none."""
        return next((text for word, text in reversed(self.instructions) if word == name), "")

    def listed(self, name: str) -> list[str]:
        """What it says, in the form that starts no shell (a list in JSON)."""
        text = self.last(name)
        words = json.loads(text) if text else []
        assert isinstance(words, list)
        return words


def stages(file: Path) -> dict[str, Stage]:
    """Return the stages of a Dockerfile by name; the last one also by the empty name."""
    found: dict[str, Stage] = {}
    text = re.sub(r"^#.*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found[""] = found[rest.partition(" AS ")[2]] = Stage([])
        found[""].instructions.append((word, " ".join(rest.split())))
    return found


def composed(file: Path) -> dict[str, Any]:
    """Return a compose file with its anchors merged."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


SERVICES = [
    pytest.param(file, name, id=f"{file.name}: {name}") for file in COMPOSED for name in composed(file)["services"]
]


def service_of(file: Path, name: str) -> tuple[dict[str, Any], Stage]:
    """Return a service and the stage of the image that it runs."""
    service = composed(file)["services"][name]
    build = service["build"]
    context = (file.parent / build["context"]).resolve()
    assert context == ROOT, "what the Dockerfiles copy is named from the top of the project"
    return service, stages(context / build["dockerfile"])[build.get("target", "")]


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_a_service_can_do_no_more_than_it_needs(file: Path, name: str) -> None:
    """It is not root, cannot become it, writes nowhere but in memory and its volume, and has limits."""
    service, stage = service_of(file, name)
    user = service.get("user") or stage.last("USER")

    assert re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", user), "by number, so that an engine can tell that it is not root"
    assert service["read_only"] is True and service["tmpfs"]
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service and "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "cpus"} <= service.keys()
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_a_service_tells_whether_it_is_well(file: Path, name: str) -> None:
    """Each has a health check at the port where it listens, or ends by itself; who waits for another waits for that."""
    service, stage = service_of(file, name)
    if name in ALONE:
        assert service["healthcheck"] == {"disable": True} and service["restart"].startswith("on-failure")
    else:
        options, _, command = stage.last("HEALTHCHECK").partition(" CMD ")
        assert {"--interval", "--timeout", "--start-period"} == set(re.findall(r"--[a-z-]+", options))
        assert stage.last("EXPOSE") in " ".join(json.loads(command))
    for other, condition in service.get("depends_on", {}).items():
        assert other in composed(file)["services"]
        wanted = "service_completed_successfully" if other in ALONE else "service_healthy"
        assert condition == {"condition": wanted}


@pytest.mark.parametrize("file", COMPOSED, ids=lambda file: file.name)
def test_what_a_compose_file_names_is_there(file: Path) -> None:
    """Volumes and networks are declared, files that are mounted exist, published ports are those that are exposed."""
    content = composed(file)
    for name, service in content["services"].items():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in content["volumes"] or (source.startswith(".") and (file.parent / source).exists())
        assert set(service.get("networks", ())) <= content.get("networks", {}).keys()
        stage = service_of(file, name)[1]
        assert {port.rpartition(":")[2] for port in service.get("ports", ())} <= {stage.last("EXPOSE")}


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_a_command_is_one_that_the_program_takes(file: Path, name: str) -> None:
    """The command line is parsed by the real one, with the settings of the service; each setting is one of it."""
    service, stage = service_of(file, name)
    if stage.listed("ENTRYPOINT") != ["kg"]:
        return
    command, *arguments = service.get("command") or stage.listed("CMD")
    settings = dict(pair.split("=", 1) for pair in shlex.split(stage.last("ENV"))) | service.get("environment", {})
    known = {str(one.envvar) for one in main.commands[command].params if one.envvar}
    with pytest.MonkeyPatch.context() as patch:
        for setting, value in settings.items():
            patch.setenv(setting, value)
        context = main.commands[command].make_context(command, arguments)

    assert isinstance(context, click.Context)
    served = {"KG_HOST", "KG_PORT"}  # of the image, for whichever command
    assert settings.keys() <= known | served | {"KG_STORE_USER", "KG_STORE_PASSWORD"}
    if command == "serve":
        assert (context.params["host"], str(context.params["port"])) == ("0.0.0.0", stage.last("EXPOSE"))


@pytest.mark.parametrize("file", COMPOSED, ids=lambda file: file.name)
def test_a_password_stands_in_no_file(file: Path) -> None:
    """It comes from the environment of who starts them, and is asked for where it is missing."""
    for service in composed(file)["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert re.fullmatch(r"\$\{STORE_PASSWORD:\?[^}]+\}", value)


def test_the_store_can_be_reached_from_the_services_only() -> None:
    """Its network has no way out and no port of it is published; who asks it knows no password."""
    content = composed(DEPLOY / "compose.virtuoso.yaml")
    services = content["services"]

    assert content["networks"]["inside"] == {"internal": True}
    assert services["virtuoso"]["networks"] == services["publish"]["networks"] == ["inside"]
    assert "ports" not in services["virtuoso"] and "environment" not in services["shisaku"]
    address = f"http://virtuoso:{service_of(DEPLOY / 'compose.virtuoso.yaml', 'virtuoso')[1].last('EXPOSE')}/sparql"
    assert address in services["publish"]["command"] and address in services["shisaku"]["command"]


def test_haproxy_is_told_the_servers_that_are_there() -> None:
    """Each server of its configuration has the address of a service, and the servers believe its address alone."""
    content = composed(DEPLOY / "compose.haproxy.yaml")
    services = content["services"]
    haproxy = services.pop("haproxy")
    told = haproxy["environment"]
    named = re.findall(r"\$\{(\w+)\}", (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8"))
    servers = [service["networks"]["inside"]["ipv4_address"] for service in services.values()]
    (network,) = content["networks"]["inside"]["ipam"]["config"]
    own = haproxy["networks"]["inside"]["ipv4_address"]

    assert sorted(named) == sorted(told)
    assert [value for name, value in told.items() if name.startswith("SERVER_")] == [f"{one}:8000" for one in servers]
    assert told["SITE_ADDRESS"] == ":8080"
    assert all(ip_address(one) in ip_network(network["subnet"]) for one in [*servers, own, network["gateway"]])
    assert len({*servers, own, network["gateway"]}) == len(servers) + 2
    assert all(service["command"] == ["serve", "--trusted-proxy", own] for service in services.values())


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_what_an_image_is_made_of_is_there(file: Path) -> None:
    """Each file that is copied exists and goes with the context; a script that is started may be executed."""
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for stage in stages(file).values():
        for text in (text for word, text in stage.instructions if word == "COPY" and "--from" not in text):
            for source in text.split()[:-1]:
                assert (ROOT / source).exists() and source.split("/")[0] not in ignored, source
        started = [
            *stage.listed("ENTRYPOINT")[:1],
            *json.loads(stage.last("HEALTHCHECK").partition(" CMD ")[2] or "[]"),
        ]
        for script in (word for word in started if word.startswith("/etc/shisaku/")):
            assert os.access(DEPLOY / Path(script).name, os.X_OK), script


class Answering(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_health_check_without_an_http_client() -> None:
    """It says yes to 200 alone: not to another status, and not where nobody listens."""

    def well(port: int, path: str) -> bool:
        command = [str(DEPLOY / "healthy.sh"), str(port), path]
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = [well(server.server_port, path) for path in ("/200", "/503", "/404")]
        server.shutdown()

    assert found == [True, False, False]
    assert not well(server.server_port, "/200")


def test_a_password_that_sql_could_misread_is_refused(tmp_path: Path) -> None:
    """Virtuoso's first start takes letters, digits and a few signs; without a password it does not begin."""
    for password in ("it's", "a b", "", None):
        given = {} if password is None else {"STORE_PASSWORD": password}
        done = subprocess.run(
            [str(DEPLOY / "virtuoso.sh"), str(DEPLOY / "virtuoso.ini")],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **given},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode != 0 and "choose" in done.stderr
        assert list(tmp_path.iterdir()) == []


def test_each_compose_file_is_in_the_guide() -> None:
    """Who operates finds each of them, in both languages."""
    for file in COMPOSED:
        assert [page for page in GUIDE if f"deploy/{file.name}" not in (ROOT / page).read_text("utf-8")] == []
