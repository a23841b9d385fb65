"""Settings of a server as the image runs it behind nginx: its static files are collected (in the folder that COLLECTED
names), and what is not compressed there is compressed on its way, which is nginx's part."""

import os
from pathlib import Path

from localroots_chat.settings import *  # noqa: F403
from localroots_chat.settings import MIDDLEWARE as _MIDDLEWARE

STATIC_ROOT = Path(os.environ["COLLECTED"])
WHITENOISE_USE_FINDERS = False
MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *_MIDDLEWARE]
