"""compose.yaml and the Dockerfile, as far as they can be tried without containers.

`tests/docs/test_commands.py` parses the commands of the services.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo import MongoClient

from app.local.valkey import Valkey
from app.main import create_app
from app.npm_bundle import search_path
from app.services import Services
from app.settings import Settings
from tests.docs.documents import ROOT, compose
from tests.engine.conftest import wait_until
from tests.local_processes import running_mongod
from tests.mongod_with_authentication import MongodWithAuthentication

Json = dict[str, Any]


def service(name: str) -> Json:
    return dict(compose()["services"][name])


@pytest.fixture
def own_mongod(tmp_path: Path) -> Iterator[MongodWithAuthentication]:
    with running_mongod(tmp_path / "mongod", MongodWithAuthentication) as mongod:
        yield mongod


def arguments_of(method: str) -> Json:
    """The document that the script create-user passes to a method of mongosh."""
    script = compose()["configs"]["create-user"]["content"]
    match = re.search(rf"\.{method}\((\{{.*?\n\}})\)", script, re.DOTALL)
    assert match is not None
    text = match[1].replace("process.env.MONGO_PASSWORD", '""')
    return dict(json.loads(re.sub(r"(\w+):", r'"\1":', text)))


async def test_the_user_has_all_rights_that_the_program_needs(
    own_mongod: MongodWithAuthentication, valkey: Valkey
) -> None:
    role = arguments_of("createRole")
    with MongoClient[Json](own_mongod.url) as client:
        client.admin.command("createRole", role.pop("role"), **role)
    own_mongod.enable_authentication(arguments_of("createUser")["roles"], database="segments")
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        mongodb_url=SecretStr(own_mongod.url),
        redis_url=SecretStr(valkey.url),
        secret_key=SecretStr("0123456789abcdef"),
    )
    app = create_app(settings)

    async with app.router.lifespan_context(app):
        services: Services = app.state.services
        await wait_until(lambda: has_status(services))
        status = await services.engine_status.read()

    windows = status.retention_windows
    assert None not in (windows.oplog_window, windows.image_retention)
    assert status.changes_behind is not None


async def has_status(services: Services) -> bool:
    return (await services.engine_status.read()).reached_at is not None


@pytest.mark.parametrize("name", ["create-user", "replica-set"])
def test_the_scripts_of_mongosh_are_javascript(name: str, tmp_path: Path) -> None:
    node = shutil.which("node", path=search_path())
    if node is None:
        pytest.skip("needs Node.js")
    script = tmp_path / "script.js"
    # As Compose writes it.
    script.write_text(compose()["configs"][name]["content"].replace("$$", "$"))

    checked = subprocess.run([node, "--check", script], capture_output=True, text=True, check=False)

    assert checked.stderr == ""


def test_each_variable_is_explained_and_made_by_the_command() -> None:
    text = (ROOT / "compose.yaml").read_text()
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    match = re.search(r"for name in ([A-Z_ ]+)\n", text)
    assert match is not None
    assert set(match[1].split()) == used


def test_the_command_makes_the_file_of_variables(tmp_path: Path) -> None:
    text = (ROOT / "compose.yaml").read_text()
    command = "\n".join(re.findall(r"^#   ((?:for|do) .*)$", text, re.MULTILINE))

    subprocess.run(["sh", "-euc", command], cwd=tmp_path, check=True)

    lines = (tmp_path / ".env").read_text().splitlines()
    assert len(lines) == 5
    assert all(re.fullmatch(r"[A-Z_]+=[0-9a-f]{48}", line) for line in lines)


def test_only_the_api_listens_outside_and_on_loopback() -> None:
    ports = {name: service(name).get("ports", []) for name in compose()["services"]}
    assert ports == {"mongo": [], "valkey": [], "api": ["127.0.0.1:8000:8000"], "worker": []}


def test_the_api_trusts_the_proxy() -> None:
    assert service("api")["environment"]["FORWARDED_ALLOW_IPS"] == "*"


def test_each_service_has_a_health_check_and_limits() -> None:
    for name in compose()["services"]:
        assert {"healthcheck", "mem_limit", "restart"} <= service(name).keys(), name


def test_volumes_and_configs_are_declared() -> None:
    declared = compose()
    for name in declared["services"]:
        for volume in service(name).get("volumes", []):
            assert volume.partition(":")[0] in declared["volumes"]
        for config in service(name).get("configs", []):
            assert config["source"] in declared["configs"]


def test_the_image_copies_what_the_wheel_is_built_from() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert {"pyproject.toml", "README.md", "app", "workers", "graphql-schema"} <= names
    assert all((ROOT / name).exists() for name in names)
    assert re.search(r"^USER \d+$", dockerfile, re.MULTILINE)
