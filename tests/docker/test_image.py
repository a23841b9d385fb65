"""The image: what goes in, what stays outside, who it runs as."""

import re

import pytest
from django.conf import settings

from tests.docker import files
from tests.docker.native import IS_ROOT, Image
from tests.support.servers import ROOT

pytestmark = pytest.mark.timeout(600)  # the first test builds the image: packages are downloaded


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".env",
        ".development-keys.json",
        "db.sqlite3",
        "media/a.jpg",
        "staticfiles/admin/css/base.css",
        "docker/.env",
        "docker/secrets/secret_key",
        "docker/compose.yml",
        "tests/conftest.py",
        "tests/requirements/test.txt",
        ".venv/bin/python",
        "localroots_chat/__pycache__/settings.cpython-311.pyc",
        "conversations/migrations/__pycache__/0001_initial.cpython-311.pyc",
    ],
)
def test_stays_outside(path: str) -> None:
    assert not files.is_let_in(path)


def test_every_app_of_ours_is_let_in() -> None:
    ours = {app.partition(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.partition(".")[0]).is_dir()}
    assert {"localroots_chat", "conversations"} <= ours
    for path in ["manage.py", "requirements.txt", *(f"{app}/__init__.py" for app in ours)]:
        assert files.is_let_in(path), path


def test_images_are_named_by_their_versions() -> None:
    bases = [stage.base for stage in files.stages()]
    assert len(set(bases)) == 1, "what one Python installs, another one must not run"
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", bases[0])
    assert bases[0].startswith(f"python:{_locked_for()}-"), "requirements.txt is locked for another Python"


def _locked_for() -> str:
    found = re.search(r"--python-version (\S+) .*-o requirements\.txt", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert found
    return found[1]


def test_it_runs_as_somebody_who_is_not_root() -> None:
    last = files.stages()[-1]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last.last("USER").value), "a number, so that Kubernetes can check it too"
    names = [instruction.name for instruction in last.instructions]
    assert not {"RUN", "COPY"} & set(names[names.index("USER") :])


def test_signals_reach_the_server() -> None:
    last = files.stages()[-1]
    assert last.last("CMD").is_exec_form, "with a shell between them SIGTERM would end the shell"
    assert last.last("CMD").words[:3] == ["python", "manage.py", "serve"]
    assert last.last("STOPSIGNAL").value == "SIGTERM"


def test_packages_come_by_the_lock_alone() -> None:
    [install] = [line.value for line in files.stages()[0].instructions if "pip install" in line.value]
    assert "--require-hashes" in install
    assert install.endswith("-r requirements.txt")


def test_no_key_is_in_the_image(image: Image) -> None:
    found = {path.relative_to(image.app).as_posix() for path in image.app.rglob("*") if path.is_file()}
    assert "staticfiles/admin/css/base.css" in found, "collectstatic has run"
    assert "localroots_chat/settings.py" in found
    assert not {name for name in found if re.search(r"key.*\.json|\.env|\.pem$|sqlite3|secrets/|^tests/", name)}
    environment = [line.value for stage in files.stages() for line in stage.instructions if line.name in ("ENV", "ARG")]
    assert not re.search("KEY|SECRET|PASSWORD|TOKEN|_URL", " ".join(environment))


def test_the_servers_user_can_write_media_and_nothing_else(image: Image) -> None:
    uid = int(image.last.last("USER").value.partition(":")[0])
    writable = []
    for path in [*image.root.rglob("*")]:
        status = path.lstat()
        if not path.is_symlink() and (status.st_mode & 0o002 or (IS_ROOT and status.st_uid == uid)):
            writable.append(path.relative_to(image.root).as_posix())
    assert writable == (["app/media"] if IS_ROOT else [])  # else all that this test makes has one owner
