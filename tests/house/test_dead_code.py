"""Nothing of the product is there for nobody: no function, class, method, import or constant without a use.

vulture finds what no code of the product names (tests do not count as a use). Of that, what a framework calls by a
name of its own, and what the settings name in a text, is used after all.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from drf_spectacular.plumbing import OpenApiGeneratorExtension
from vulture import Vulture
from vulture.core import Item

ROOTS = ("localroots_chat", "conversations", "groups", "presence")
# Found by their base class.
SELF_REGISTERED = (AppConfig, OpenApiGeneratorExtension)
# The function or class goes into a register.
REGISTERING = ["@admin.register", "@receiver", "@action", "@describe"]
KEPT = {
    **dict.fromkeys(
        [f"has_{right}_permission" for right in ("moderate", "decide", "remove", "keep_order", "suspend")],
        "asked by the admin, for actions that want this right",
    ),
    **dict.fromkeys(["by_rules", "by_scores"], "named in CHAT_SCREEN"),
    "Media": "the styles of a page of Django's admin",
    "Trigrams": "an operation of migrations",
    "MAX_IMAGE_PIXELS": "a bound of Pillow's",
    "USERNAME_FIELD": "of Django's users",
    "create_superuser": "called by manage.py createsuperuser",
    "EVENTS": "the page of events, which people read and tests compare with the code",
    "urlpatterns": "looked for by Django",
}


def sources() -> Iterator[Path]:
    for root in ROOTS:
        for path in (settings.BASE_DIR / root).rglob("*.py"):
            if "migrations" not in path.parts and path.name != "settings.py":
                yield path


def classes() -> Iterator[type]:
    """Every class of the product."""
    assert apps.ready
    for path in sources():
        module = importlib.import_module(".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts))
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__:
                yield found


def names_of_frameworks() -> set[str]:
    """What the product's classes inherit from elsewhere: overriding such a name is a use of it."""
    names: set[str] = set()
    for found in classes():
        for base in found.__mro__[1:]:
            if base.__module__.split(".")[0] not in ROOTS:
                names |= set(vars(base))
    return names


def names_in_texts() -> set[str]:
    """The last word of every dotted text, as in INSTALLED_APPS, and every text that is one word, as in fields."""
    words: set[str] = set()
    for path in [*sources(), Path(settings.BASE_DIR) / "localroots_chat/settings.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
                words.add(node.value.rsplit(".", 1)[-1])
    return words


def env_readers() -> set[str]:
    """Functions that settings.py alone calls. vulture is not shown that file: to it, every setting is unused."""
    tree = ast.parse((Path(settings.BASE_DIR) / "localroots_chat/settings.py").read_text())
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def is_worth_a_word(item: Item) -> bool:
    """Fields of shapes and attributes of Django's classes are read by others; constants are ours alone."""
    return item.typ not in ("variable", "attribute") or item.name.isupper()


def unused() -> list[Item]:
    finder = Vulture(ignore_decorators=REGISTERING)
    finder.scavenge([str(path) for path in sources()])
    found: list[Item] = finder.get_unused_code(min_confidence=60)
    return [item for item in found if is_worth_a_word(item)]


def test_everything_is_used() -> None:
    registered = {found.__name__ for found in classes() if issubclass(found, SELF_REGISTERED)}
    used = names_of_frameworks() | names_in_texts() | env_readers() | registered | set(KEPT)
    dead = [item for item in unused() if item.name not in used]
    assert dead == [], "\n".join(f"{item.filename}:{item.first_lineno} {item.message}" for item in dead)


def test_what_is_unused_is_found(tmp_path: Path) -> None:
    finder = Vulture()
    finder.scan("import json\ndef nobody_calls_this() -> None: ...\nNOBODY_READS_THIS = 1\n")
    assert {item.name for item in finder.get_unused_code(min_confidence=60) if is_worth_a_word(item)} == {
        "json",
        "nobody_calls_this",
        "NOBODY_READS_THIS",
    }
