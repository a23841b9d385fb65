"""What the web client serves of others is byte for byte what the pinned npm packages hold, and says which they are."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.npm import CLIENTS, npm_packages
from tests.support.servers import ROOT

VENDOR = ROOT / "localroots_chat/webclient/static/webclient/vendor"
# What is served, and the file of a package that it is.
ORIGINALS = {
    "preact.js": "preact/dist/preact.mjs",
    "preact-hooks.js": "preact/hooks/dist/hooks.mjs",
    "preact.LICENSE": "preact/LICENSE",
    "htm.js": "htm/dist/htm.mjs",
    "htm.LICENSE": "htm/LICENSE",
    "emoji-picker-element/picker.js": "emoji-picker-element/picker.js",
    "emoji-picker-element/database.js": "emoji-picker-element/database.js",
    "emoji-picker-element/LICENSE": "emoji-picker-element/LICENSE",
    "emoji-picker-element/en.json": "emoji-picker-element-data/en/github/data.json",
    "emoji-picker-element/data.LICENSE": "emoji-picker-element-data/LICENSE",
}
OURS = {"README.md"}
ROW = re.compile(r"^\| ([a-z-]+) \| ([\d.]+) \| ([\w.-]+) \|", re.MULTILINE)


def what_is_wrong(vendor: Path) -> list[str]:
    packages = npm_packages()
    there = {path.relative_to(vendor).as_posix() for path in vendor.rglob("*") if path.is_file()}
    return [
        *(f"{name} is missing: it is {ORIGINALS[name]}" for name in sorted(ORIGINALS.keys() - there)),
        *(f"{name} is of no package that we know" for name in sorted(there - ORIGINALS.keys() - OURS)),
        *(
            f"{name} is not {ORIGINALS[name]}"
            for name in sorted(ORIGINALS.keys() & there)
            if (vendor / name).read_bytes() != (packages / ORIGINALS[name]).read_bytes()
        ),
    ]


def read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((CLIENTS / name).read_text(encoding="utf-8"))
    return content


def test_what_is_served_is_what_the_packages_hold() -> None:
    wrong = what_is_wrong(VENDOR)
    assert wrong == [], "\n".join(wrong)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return shutil.copytree(VENDOR, tmp_path / "vendor")


def test_one_other_byte_is_noticed(copy: Path) -> None:
    served = bytearray((copy / "preact.js").read_bytes())
    served[len(served) // 2] ^= 1
    (copy / "preact.js").write_bytes(served)
    assert what_is_wrong(copy) == ["preact.js is not preact/dist/preact.mjs"]


def test_a_licence_that_is_missing_and_a_file_too_many_are_noticed(copy: Path) -> None:
    (copy / "htm.LICENSE").rename(copy / "htm.min.js")
    assert what_is_wrong(copy) == [
        "htm.LICENSE is missing: it is htm/LICENSE",
        "htm.min.js is of no package that we know",
    ]


def test_the_page_beside_them_names_packages_versions_and_licences() -> None:
    pinned, locked = read("package.json")["devDependencies"], read("package-lock.json")["packages"]
    served = {original.partition("/")[0] for original in ORIGINALS.values()}
    assert set(ROW.findall((VENDOR / "README.md").read_text(encoding="utf-8"))) == {
        (name, pinned[name], locked[f"node_modules/{name}"]["license"]) for name in served
    }


def test_every_package_is_pinned_by_version_and_hash_and_no_registry_is_named() -> None:
    pinned, locked = read("package.json")["devDependencies"], read("package-lock.json")["packages"]
    assert locked.pop("")["devDependencies"] == pinned
    assert {name: locked[f"node_modules/{name}"]["version"] for name in pinned} == pinned
    assert [path for path, package in locked.items() if not package["integrity"].startswith("sha512-")] == []
    assert [path for path, package in locked.items() if "resolved" in package] == []
