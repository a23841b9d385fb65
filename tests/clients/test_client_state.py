"""What the web client holds stays true, whatever the network does. The proof itself is store_fuzz.mjs."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.npm import node
from tests.support.servers import ROOT

CORE = ROOT / "localroots_chat/webclient/static/webclient/js/core"
SEEDS = 1000
SEEDS_MOST = 10_000  # until a broken rule has shown itself: the rarest does about once in a thousand


def fuzz(core: Path, seeds: int = SEEDS) -> subprocess.CompletedProcess[str]:
    return node("store_fuzz.mjs", "--seeds", str(seeds), "--core", core)


def test_the_client_ends_up_with_what_the_server_has() -> None:
    done = fuzz(CORE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("module", "rule", "broken"),
    [
        pytest.param(
            "versions.js",
            'return prev <= held ? "applied" : "gap";',
            'return "applied";',
            id="that does not notice what it missed",
        ),
        pytest.param(
            "messages.js",
            "if (this.#pagesComing > 0) this.#outside.set(message.id, message);",
            "",
            id="that forgets what it is told beside a page on its way",
        ),
    ],
)
def test_a_client_is_caught(module: str, rule: str, broken: str, tmp_path: Path) -> None:
    core = shutil.copytree(CORE, tmp_path / "core")
    source = (core / module).read_text(encoding="utf-8")
    assert source.count(rule) == 1
    (core / module).write_text(source.replace(rule, broken), encoding="utf-8")
    done = fuzz(core, SEEDS_MOST)
    assert done.returncode == 1
    assert done.stderr.startswith("Seed "), done.stderr
