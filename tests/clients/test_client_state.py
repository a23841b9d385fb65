"""What the web client holds stays true, whatever the network does. The proof itself is store_fuzz.mjs."""

import shutil
import subprocess
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("store_fuzz.mjs")
MODULES = Path(__file__).parents[2] / "localroots_chat/webclient/static/webclient/js"
SEEDS = 300


def fuzz(modules: Path) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node")
    if node is None:
        pytest.fail("The web client's tests need Node.js 18 or newer (Debian: apt install nodejs).", pytrace=False)
    command: list[str | Path] = [node, FUZZ, "--seeds", str(SEEDS), "--modules", modules]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


def test_the_client_ends_up_with_what_the_server_has() -> None:
    done = fuzz(MODULES)
    assert done.returncode == 0, done.stderr


def test_a_client_that_does_not_notice_what_it_missed_is_caught(tmp_path: Path) -> None:
    modules = shutil.copytree(MODULES, tmp_path / "js")
    rule, broken = 'return prev <= held ? "applied" : "gap";', 'return "applied";'
    store = (modules / "store.js").read_text(encoding="utf-8")
    assert store.count(rule) == 1
    (modules / "store.js").write_text(store.replace(rule, broken), encoding="utf-8")
    done = fuzz(modules)
    assert done.returncode == 1
    assert done.stderr.startswith("Seed "), done.stderr
