"""What somebody has written arrives once, in its order, whatever becomes of windows, lines and disks.

The stories themselves are in outbox_stories.mjs.
"""

import re

import pytest

from tests.support.npm import CLIENTS, node

_STORY = re.compile(r'^  async "(.+)"\(\) \{$', re.MULTILINE)
STORIES = _STORY.findall((CLIENTS / "outbox_stories.mjs").read_text(encoding="utf-8"))


@pytest.mark.parametrize("story", STORIES)
def test_in_the_outbox(story: str) -> None:
    done = node("outbox_stories.mjs", story, within=30)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_story_is_told() -> None:
    assert node("outbox_stories.mjs", "--list").stdout.splitlines() == STORIES
