"""The npm packages of the web client's tests: made from the lock, once, by one process at a time."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import npm

LOCK = '{{"name": "shop", "version": "{version}", "lockfileVersion": 3, "packages": {{"": {{"name": "shop"}}}}}}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that needs no packages."""
    (tmp_path / "package.json").write_text('{"name": "shop", "private": true}')
    (tmp_path / "package-lock.json").write_text(LOCK.format(version=1))
    return tmp_path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where npm was run, in order."""
    runs: list[Path] = []
    install: Callable[[Path], None] = npm._install

    def counted(project: Path) -> None:
        runs.append(project)
        install(project)

    monkeypatch.setattr(npm, "_install", counted)
    return runs


def test_packages_are_made_once_and_again_after_another_lock(project: Path, installed: list[Path]) -> None:
    for _ in range(2):
        assert npm.npm_packages(project) == project / "node_modules"
    assert len(installed) == 1
    (project / "package-lock.json").write_text(LOCK.format(version=2))
    npm.npm_packages(project)
    assert len(installed) == 2


def test_of_two_who_need_them_at_once_one_makes_them(project: Path, installed: list[Path]) -> None:
    with ThreadPoolExecutor(2) as both:
        assert len(list(both.map(npm.npm_packages, [project] * 2))) == 2
    assert len(installed) == 1


def test_packages_that_are_half_made_are_made_anew(project: Path, installed: list[Path]) -> None:
    (project / "node_modules/half").mkdir(parents=True)
    assert not (npm.npm_packages(project) / "half").exists()


def test_a_lock_that_is_not_of_its_package_json_fails_with_the_words_of_npm(project: Path) -> None:
    (project / "package.json").write_text('{"name": "shop", "dependencies": {"ws": "8.23.0"}}')
    with pytest.raises(pytest.fail.Exception, match=r"npm ci said:\n(.*\n)*.*ws@8\.23\.0"):
        npm.npm_packages(project)
    assert not (project / "node_modules/.stamp").exists()


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_where_a_program_is_missing_one_sentence_says_what_to_install(
    missing: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else which(name))
    with pytest.raises(pytest.fail.Exception, match=r"^The web client's tests need Node\.js .*apt install nodejs npm"):
        npm.npm_packages(project)
