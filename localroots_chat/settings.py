"""Every setting of the service. Values come from the environment (.env.example lists them), read by env.py.

PUBLIC_URL with https switches production on: redirects, secure cookies, HSTS, and a refusal to start with
weak keys or DEBUG.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONCE
from django.core.exceptions import ImproperlyConfigured

from localroots_chat import env

BASE_DIR = Path(__file__).resolve().parent.parent

# Where the service is reached, and what follows from that
PUBLIC_URL = env.web_address("PUBLIC_URL")
PRODUCTION = PUBLIC_URL.startswith("https://")
DEBUG = env.flag("DEBUG", default=False)
_public_host = urlsplit(PUBLIC_URL).hostname
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", [_public_host] if _public_host else ["127.0.0.1", "localhost", "[::1]"])
ALLOWED_ORIGINS = [origin.rstrip("/") for origin in env.words("ALLOWED_ORIGINS")]
CSRF_TRUSTED_ORIGINS = [origin for origin in [PUBLIC_URL, *ALLOWED_ORIGINS] if origin]


# Keys
def _key(name: str) -> str:
    value = env.text(name)
    if not value and not PRODUCTION:
        return env.development_key(name, BASE_DIR / ".development-keys.json")
    if PRODUCTION and (len(value) < 32 or len(set(value)) < 10):
        raise ImproperlyConfigured(f"{name} must be a random text of at least 32 characters where PUBLIC_URL is https.")
    return value


SECRET_KEY = _key("SECRET_KEY")
JWT_SIGNING_KEY = _key("JWT_SIGNING_KEY")
AUTH_SECRET = _key("AUTH_SECRET")
SERVER_KEY = _key("SERVER_KEY")
CHAT_AUDIENCE = env.text("CHAT_AUDIENCE", "localroots-chat")
if PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG must be off where PUBLIC_URL is https.")
    if "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts where PUBLIC_URL is https.")
    if len({SECRET_KEY, JWT_SIGNING_KEY, AUTH_SECRET, SERVER_KEY}) < 4:
        raise ImproperlyConfigured("SECRET_KEY, JWT_SIGNING_KEY, AUTH_SECRET and SERVER_KEY must all differ.")

INSTALLED_APPS = [
    "daphne",  # first: brings its own runserver
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "corsheaders",
    "csp",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "localroots_chat",
    "localroots_chat.accounts",
    "localroots_chat.webclient",
    "conversations",
    "groups",
    "presence",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "localroots_chat.rest.answer_in_private",
    "localroots_chat.rest.ignore_nul_cookies",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "localroots_chat.urls"
ASGI_APPLICATION = "localroots_chat.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Data. asgi.py keeps the threads that run HTTP requests, so that their connections can be kept too; the
# health check finds those that a restart of PostgreSQL has killed.
_database = env.database("DATABASE_URL", BASE_DIR / "db.sqlite3")
POSTGRESQL = _database["ENGINE"].endswith("postgresql")
if POSTGRESQL:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    _database["OPTIONS"].setdefault("connect_timeout", "3")
    _database["OPTIONS"]["prepare_threshold"] = 0  # the constant statements (database.py), when first asked
DATABASES: dict[str, dict[str, Any]] = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CHAT_STATEMENT_SECONDS = env.seconds("CHAT_STATEMENT_SECONDS", 3)
CHAT_DATABASE_THREADS = env.number("CHAT_DATABASE_THREADS", 8, least=2)
CHAT_HTTP_THREADS = env.number("CHAT_HTTP_THREADS", 8, least=1)
CHAT_UPLOAD_THREADS = env.number("CHAT_UPLOAD_THREADS", 2, least=1)

# Redis carries what one server tells the others; without it there is one process, which tells itself.
REDIS_URL = env.redis_url("REDIS_URL")
CHANNEL_LAYERS: dict[str, dict[str, Any]] = (
    {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            # redis-py 8 gives every read 5 seconds; a subscriber waits longer than that for the next message.
            "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None, "socket_connect_timeout": 1}]},
        }
    }
    if REDIS_URL
    else {}
)
CHAT_BUS_GROUPS = env.number("CHAT_BUS_GROUPS", 1, least=1)

# People and their sessions
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "webclient:sign-in"
LOGIN_REDIRECT_URL = "webclient:home"
LOGOUT_REDIRECT_URL = "webclient:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
CSRF_FAILURE_VIEW = "localroots_chat.rest.page_forbidden"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# Transport and browser security
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'", NONCE],  # of the web client's import map
        "img-src": ["'self'", "data:", "https:"],  # people's pictures are addresses of the marketplace
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# Pages of elsewhere: they may ask what a token in their hands lets them ask. Cookies stay at home.
CORS_ALLOWED_ORIGINS = ALLOWED_ORIGINS
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ["authorization", "content-type", "if-none-match", "range"]
CORS_EXPOSE_HEADERS = ["Date", "ETag", "Retry-After"]

# REST
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "localroots_chat.accounts.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["localroots_chat.accounts.throttling.PersonThrottle"],
    "DEFAULT_RENDERER_CLASSES": [
        "localroots_chat.rest.WireRenderer",
        "localroots_chat.browsable.BrowsableRenderer",
    ],
    "DEFAULT_SCHEMA_CLASS": "localroots_chat.openapi.WireSchema",
    "DEFAULT_PARSER_CLASSES": ["localroots_chat.rest.WireParser", "localroots_chat.rest.WireFormParser"],
    "EXCEPTION_HANDLER": "localroots_chat.rest.answer_error",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "LocalRoots Chat",
    "DESCRIPTION": (
        "Conversations between farmers and their customers, over REST. What happens live comes over the WebSocket at "
        "`/ws/chat/` (`localroots_chat/gateway/PROTOCOL.md`). Keys are camelCase, times ISO 8601 UTC, ids strings. "
        "Every refusal is `{error: Error}`; `code` is for programs, `message` for developers. An answer to GET has an "
        "ETag: who keeps it and sends it as `If-None-Match` is answered 304, without a body, while nothing has changed."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_PATCH": False,
    "SCHEMA_PATH_PREFIX": "/api",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": True, "validatorUrl": None},
    "POSTPROCESSING_HOOKS": [],
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "serverKey": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Server KEY`, for the marketplace's own server.",
            }
        }
    },
}
SIMPLE_JWT: dict[str, Any] = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "USER_ID_FIELD": "public_id",
    "USER_ID_CLAIM": "sub",
}

# What a person may do how often: (count, seconds). The limits are the person's, over all servers and doors.
CHAT_RATES: dict[str, tuple[int, float]] = {
    "send": env.rate("CHAT_RATE_MESSAGE_SEND", "10/10s"),
    "join": env.rate("CHAT_RATE_JOIN", "60/10s"),
    "read": env.rate("CHAT_RATE_READ", "60/10s"),
    "typing": env.rate("CHAT_RATE_TYPING", "30/10s"),
    "sync": env.rate("CHAT_RATE_SYNC", "20/10s"),
    "command": env.rate("CHAT_RATE_COMMAND", "30/10s"),
    "download": env.rate("CHAT_RATE_DOWNLOAD", "1200/60s"),
    "upload": env.rate("CHAT_RATE_UPLOAD", "30/60s"),
    "report": env.rate("CHAT_RATE_REPORT", "20/3600s"),
    "rest": env.rate("CHAT_RATE_REST", "300/60s"),
    "connect": env.rate("CHAT_RATE_CONNECT", "120/60s"),  # per address
    "token": env.rate("CHAT_RATE_TOKEN", "10/60s"),  # passwords tried, per address and per name
}
CHAT_MESSAGE_CHARACTERS = env.number("CHAT_MESSAGE_CHARACTERS", 4000, least=1)
CHAT_MESSAGE_ATTACHMENTS = env.number("CHAT_MESSAGE_ATTACHMENTS", 5, least=1)
CHAT_UPLOAD_MB = env.number("CHAT_UPLOAD_MB", 10, least=1)
CHAT_UPLOAD_BYTES = CHAT_UPLOAD_MB * 1_048_576
CHAT_UPLOAD_QUOTA_MB = env.number("CHAT_UPLOAD_QUOTA_MB", 1000, least=1)
CHAT_EDIT_SECONDS = env.number("CHAT_EDIT_SECONDS", 900)
CHAT_FRAME_BYTES = 65_536
CHAT_SOCKETS_PER_PERSON = env.number("CHAT_SOCKETS_PER_PERSON", 20, least=1)
CHAT_GROUP_MEMBERS = env.number("CHAT_GROUP_MEMBERS", 5000, least=2)
CHAT_HEARTBEAT_SECONDS = env.seconds("CHAT_HEARTBEAT_SECONDS", 25)
CHAT_SILENCE_SECONDS = env.seconds("CHAT_SILENCE_SECONDS", 60)
CHAT_AUTH_SECONDS = env.seconds("CHAT_AUTH_SECONDS", 5)
CHAT_SWEEP_SECONDS = env.seconds("CHAT_SWEEP_SECONDS", 4)
CHAT_PRESENCE_SECONDS = env.seconds("CHAT_PRESENCE_SECONDS", 15)
CHAT_PRESENCE_GRACE_SECONDS = env.seconds("CHAT_PRESENCE_GRACE_SECONDS", 10)
CHAT_TICKET_SECONDS = env.number("CHAT_TICKET_SECONDS", 30, least=1)

# What is looked at before it is stored, and by whom (localroots_chat/screening/SCREENING.md)
CHAT_SCREEN = env.words("CHAT_SCREEN")
CHAT_SCREEN_RULES = env.text("CHAT_SCREEN_RULES")
CHAT_SCREEN_SCORE = env.share("CHAT_SCREEN_SCORE", 0.9)
CHAT_SCREEN_SECONDS = env.seconds("CHAT_SCREEN_SECONDS", 1)

# Files and texts
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").exists()  # they need not be collected
MEDIA_ROOT = Path(env.text("MEDIA_ROOT") or BASE_DIR / "media")
FILE_UPLOAD_HANDLERS = ["localroots_chat.multipart.UnnamedFileHandler"]
MEDIA_S3_BUCKET = env.text("MEDIA_S3_BUCKET")
STORAGES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": MEDIA_S3_BUCKET,
            "endpoint_url": env.web_address("MEDIA_S3_ENDPOINT") or None,
            "region_name": env.text("MEDIA_S3_REGION") or None,
            "access_key": env.text("MEDIA_S3_ACCESS_KEY") or None,
            "secret_key": env.text("MEDIA_S3_SECRET_KEY") or None,
            "max_memory_size": 1_048_576,  # of a file that is fetched; what is more waits on disk
            "client_config": env.s3_patience() if MEDIA_S3_BUCKET else None,
        },
    }
    if MEDIA_S3_BUCKET
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": MEDIA_ROOT, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {"BACKEND": "localroots_chat.static_files.CollectedStaticFiles"},
}

_log_level = env.text("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {
        "scrub": {"()": "localroots_chat.observability.logs.ScrubSecrets"},
        "clients": {"()": "localroots_chat.observability.logs.ShortOnClients"},
        "outages": {"()": "localroots_chat.observability.logs.ShortOnOutages"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["clients", "outages", "scrub"],
        }
    },
    "root": {"handlers": ["console"], "level": _log_level},
    "loggers": {
        "uvicorn.access": {"level": "INFO" if DEBUG else "WARNING"},
        "uvicorn.websockets": {"level": "INFO" if _log_level == "DEBUG" else "WARNING"},  # each handshake
        # every refused request would be a line; the access log has it already
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
