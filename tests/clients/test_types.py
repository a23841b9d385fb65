"""The web client's modules are what their comments say: TypeScript reads both, and nothing is compiled."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from tests.support.npm import CLIENTS, node, npm_packages
from tests.support.servers import ROOT

CORE = ROOT / "localroots_chat/webclient/static/webclient/js/core"


def check(config: Path) -> subprocess.CompletedProcess[str]:
    return node(npm_packages() / "typescript/bin/tsc", "--pretty", "false", "--project", config)


def test_the_modules_keep_to_their_types() -> None:
    done = check(CLIENTS / "tsconfig.json")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_text_where_a_number_is_promised_is_noticed(tmp_path: Path) -> None:
    modules = shutil.copytree(CORE, tmp_path / "core")
    with (modules / "errors.js").open("a", encoding="utf-8") as module:
        module.write('\n/** @type {number} */\nexport const retriesOfATest = "three";\n')
    config = {"extends": str(CLIENTS / "tsconfig.json"), "include": ["core/**/*.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    done = check(tmp_path / "tsconfig.json")
    assert done.returncode != 0
    assert re.search(r"core/errors\.js\(\d+,14\): error TS2322: .*'string'.*'number'", done.stdout), done.stdout
