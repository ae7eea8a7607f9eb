"""The one settings file. Everything that differs between a laptop and a server comes from the environment (12-factor);
with nothing set the platform runs on SQLite, the embedded engines and one machine."""

from __future__ import annotations

import hashlib
import tempfile
import warnings
from datetime import timedelta
from pathlib import Path

import environ
from csp import constants as csp

from edu_platform.error_reports import report_errors_to
from edu_platform.private_files import make_private
from edu_platform.proxies import is_loopback
from edu_platform.secret_key import persistent_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- security ----------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or persistent_secret_key(BASE_DIR / ".secret_key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=False)  # behind a proxy that speaks TLS
# Only these may say for whom they pass a request on (edu_platform/proxies.py). TLS means that there is a proxy.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=["127.0.0.1", "::1"] if HTTPS else [])
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]  # load balancers ask these without TLS
# Whether no other machine can reach the site, as far as the settings tell: the demo accounts work only then.
BIND_HOST = env.str("BIND_HOST", default="127.0.0.1")  # `manage.py serve` sets it for the processes that it starts
SITE_IS_LOCAL = not HTTPS and not TRUSTED_PROXIES and all(map(is_loopback, [*ALLOWED_HOSTS, BIND_HOST]))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"
# Nothing is loaded from other origins and no inline script runs. `blob:` is for preview frames and chosen pictures.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.SELF],
        "img-src": [csp.SELF, "blob:", "data:"],
        "media-src": [csp.SELF, "blob:"],
        "object-src": [csp.NONE],
        "base-uri": [csp.NONE],
        "form-action": [csp.SELF],
        "frame-ancestors": [csp.NONE],
    }
}

# --- applications ------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "edu_platform",  # first: its runserver replaces Django's
    "django.contrib.admin.apps.SimpleAdminConfig",  # urls.py looks for the admin pages: only the web process has them
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "django_q",
    "axes",
    "talking_head",
    "avatars",
    "lessons",
]
MIDDLEWARE = [
    "edu_platform.proxies.forwarded_headers",  # first: all others may then believe what the request says
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "edu_platform.compression.CompressTextMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "edu_platform.sign_in.returning.return_to_the_form",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "edu_platform.urls"
ASGI_APPLICATION = "edu_platform.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# --- logging in --------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["edu_platform.sign_in.backends.GuardedBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 10  # wrong passwords for one account from one address
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "edu_platform.proxies.client_address"
AXES_LOCKOUT_CALLABLE = "edu_platform.sign_in.locked.locked_response"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # who keeps trying is not locked out for ever
AXES_DISABLE_ACCESS_LOG = True  # who logged in when is not recorded
AXES_VERBOSE = False
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # limits count in it: guesses must not push out what was counted
    }
}

# --- database ----------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    make_private(DATABASES["default"]["NAME"])
    # Write transactions take their lock at BEGIN: a deferred one that reads first fails with "database is locked"
    # as soon as another connection wrote in between, and no busy timeout can help.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"].setdefault("CONN_HEALTH_CHECKS", True)

# --- files -------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # while there is no build, the files are served from their sources: no warning about it
warnings.filterwarnings("ignore", message="No directory at", category=UserWarning)
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(BASE_DIR / "media"))).resolve()
MEDIA_ACCEL_PREFIX = env.str("MEDIA_ACCEL_PREFIX", default="")  # nginx: an internal location that maps to MEDIA_ROOT
CHECKPOINTS_DIR = Path(env.str("CHECKPOINTS_DIR", default=str(BASE_DIR / "checkpoints"))).resolve()
# Sockets and pid files of the running processes. Short, because a Unix socket's path has at most 107 characters.
RUN_DIR = Path(
    env.str("RUN_DIR", default="")
    or f"{tempfile.gettempdir()}/lectern-{hashlib.sha256(str(MEDIA_ROOT).encode()).hexdigest()[:12]}"
)
STATIC_ROOT = Path(env.str("STATIC_ROOT", default="") or RUN_DIR / "static")  # the web process builds them there
# With a bucket, media live there, and MEDIA_ROOT is this machine's copy (talking_head/files/bucket.py).
# The names are those of django-storages; boto3 also finds keys in its other usual places.
AWS_STORAGE_BUCKET_NAME = env.str("AWS_STORAGE_BUCKET_NAME", default="")
AWS_S3_ENDPOINT_URL = env.str("AWS_S3_ENDPOINT_URL", default="") or None
AWS_S3_REGION_NAME = env.str("AWS_S3_REGION_NAME", default="") or None
AWS_ACCESS_KEY_ID = env.str("AWS_ACCESS_KEY_ID", default="") or None
AWS_SECRET_ACCESS_KEY = env.str("AWS_SECRET_ACCESS_KEY", default="") or None
# Servers other than Amazon's rarely have a host name for every bucket.
AWS_S3_ADDRESSING_STYLE = env.str("AWS_S3_ADDRESSING_STYLE", default="path" if AWS_S3_ENDPOINT_URL else "auto")
STORAGES = {
    "default": {
        "BACKEND": "talking_head.files.s3_backend.VerifiedS3Storage"
        if AWS_STORAGE_BUCKET_NAME
        else "django.core.files.storage.FileSystemStorage"
    },
    "staticfiles": {"BACKEND": "edu_platform.static_files.HashedStaticFiles"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

# --- rendering ---------------------------------------------------------------------------------------------------
TALKING_HEAD_FACE = env.str("TALKING_HEAD_FACE", default="auto")
TALKING_HEAD_SPEECH = env.str("TALKING_HEAD_SPEECH", default="auto")
# The profiles' enhancer: auto (when this machine can do it within the profile's timeout), none, always.
TALKING_HEAD_ENHANCE = env.str("TALKING_HEAD_ENHANCE", default="auto")
TALKING_HEAD_SLOTS = env.int("TALKING_HEAD_SLOTS", default=1)  # clips rendered at once on this machine
# Slots that long jobs may not use while clips take long: see talking_head/worker/slots.py.
TALKING_HEAD_RESERVED_SLOTS = env.int("TALKING_HEAD_RESERVED_SLOTS", default=1 if TALKING_HEAD_SLOTS > 1 else 0)
# Limits per user unless a row of "quotas" in the admin overrides them, and below, how long the queue may become before
# new jobs are refused. 0: no limit.
TALKING_HEAD_JOBS_IN_FLIGHT = env.int("TALKING_HEAD_JOBS_IN_FLIGHT", default=20)
TALKING_HEAD_SOCKETS_PER_PERSON = env.int("TALKING_HEAD_SOCKETS_PER_PERSON", default=30)  # 0: no limit
TALKING_HEAD_MINUTES_A_DAY = env.int("TALKING_HEAD_MINUTES_A_DAY", default=120)
# Whether every teacher gets the drawn portraits of avatars/presenters/.
STOCK_PRESENTERS = env.bool("STOCK_PRESENTERS", default=True)
# The longest wait without a confirmation by the teacher; "auto" chooses a profile that is ready by then. 0: no limit.
TALKING_HEAD_PATIENCE_SECONDS = env.int("TALKING_HEAD_PATIENCE_SECONDS", default=900)
TALKING_HEAD_MAX_WAIT_SECONDS = env.int("TALKING_HEAD_MAX_WAIT_SECONDS", default=3_600)
# How long a recording is kept that no lesson and no running job uses. 0: for ever.
TALKING_HEAD_UNUSED_NARRATION_DAYS = env.int("TALKING_HEAD_UNUSED_NARRATION_DAYS", default=30)
# How long a video is kept after a newer one of the same lesson has replaced it; and one that was asked for through the
# API, without a lesson. 0: for ever.
TALKING_HEAD_SUPERSEDED_DAYS = env.int("TALKING_HEAD_SUPERSEDED_DAYS", default=7)
TALKING_HEAD_RESULT_DAYS = env.int("TALKING_HEAD_RESULT_DAYS", default=0)
# How long a picture is kept that was uploaded through the render service's API, without recorded consent.
TALKING_HEAD_SERVICE_PORTRAIT_DAYS = env.int("TALKING_HEAD_SERVICE_PORTRAIT_DAYS", default=30)
PORTRAIT_UNDO_SECONDS = 30  # how long a deleted portrait can be restored; then its picture is deleted for good
LESSON_UNDO_SECONDS = 3_600  # the same for lessons and their videos
# The cache of takes and clips: the least recently used entries go when it is larger, and those unused for longer.
# Entries that waiting or running jobs need always stay. 0: no limit.
CACHE_MAX_GB = env.float("CACHE_MAX_GB", default=20.0)
CACHE_MAX_DAYS = env.int("CACHE_MAX_DAYS", default=90)

# --- background work ---------------------------------------------------------------------------------------------
# A task only wakes a worker: it carries an id, and the state is in our own tables. The sweeper repeats a lost message
# and a duplicate finds nothing to do, so one attempt and an early acknowledgement are enough.
REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL:
    from edu_platform.redis_queue import redis_connection

    TASK_BROKER: dict[str, object] = {"redis": redis_connection(REDIS_URL)}
else:
    TASK_BROKER = {"orm": "default"}
Q_CLUSTER = {
    "name": "lectern",
    "workers": TALKING_HEAD_SLOTS,  # each keeps one warm renderer; only rendering runs in them
    "timeout": 3_600,
    "retry": 7_200,  # must exceed the timeout, or the same message runs twice at once
    "max_attempts": 1,
    "ack_failures": True,
    "bulk": 1,
    "queue_limit": 1,
    "catch_up": False,
    "poll": 0,  # an idle worker sleeps on a pipe instead (talking_head/jobs/wakeup_pipe.py)
    "save_limit": -1,  # results are never read, so none are kept
    **TASK_BROKER,
}

# --- live progress -----------------------------------------------------------------------------------------------
CHANNEL_LAYERS: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "talking_head.live.redis_layer.RedisChannelLayer", "CONFIG": {"url": REDIS_URL}}
    if REDIS_URL
    else {"BACKEND": "talking_head.live.unix_layer.UnixSocketChannelLayer", "CONFIG": {"run_dir": str(RUN_DIR)}}
}

# --- api ---------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "edu_platform.sign_in.tokens.LimitedTokenAuthentication",  # first: a 401 names its header
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["talking_head.api.parsers.Utf8JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["talking_head.api.throttles.ChangesThrottle"],
    "DEFAULT_THROTTLE_RATES": {"jobs": "60/min", "upload": "60/min", "script": "300/min"},
    "EXCEPTION_HANDLER": "talking_head.api.errors.handle_exception",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Lectern",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,  # a file is bytes in a request and an address in a response
    "ENUM_NAME_OVERRIDES": {
        "JobStateEnum": "talking_head.models.JobState",
        "ClipStateEnum": "talking_head.models.ClipState",
        "NarrationStateEnum": "talking_head.models.NarrationState",
        "ProfileEnum": "talking_head.api.serializers.PROFILE_CHOICES",
        "PreprocessEnum": "talking_head.api.serializers.PREPROCESS_CHOICES",
    },
}

# --- language and time -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["edu_platform.formats"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

# --- metrics -----------------------------------------------------------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")  # lets Prometheus read /metrics; without it only staff may

# --- logs --------------------------------------------------------------------------------------------------------
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "edu_platform.logs.JsonFormatter"},
        "text": {"()": "edu_platform.logs.TextFormatter"},
    },
    "filters": {
        "job_context": {"()": "edu_platform.logs.JobContext"},
        "refusals": {"()": "edu_platform.logs.NoTracebackOfRefusals"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": env.str("LOG_FORMAT", default="text"),
            "filters": ["job_context", "refusals"],
        }
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # Both log several lines for every sign-in or wakeup; our own loggers report the work done.
    "loggers": {
        "axes": {"level": "WARNING" if LOG_LEVEL == "INFO" else LOG_LEVEL},
        "django-q": {"level": "WARNING" if LOG_LEVEL == "INFO" else LOG_LEVEL},
    },
}

# --- traces and error reports ------------------------------------------------------------------------------------
OTEL_EXPORTER_OTLP_ENDPOINT = env.str(
    "OTEL_EXPORTER_OTLP_ENDPOINT", default=""
)  # traces: talking_head/monitoring/tracing.py
SENTRY_DSN = env.str("SENTRY_DSN", default="")
if SENTRY_DSN:
    report_errors_to(SENTRY_DSN, environment=env.str("SENTRY_ENVIRONMENT", default="production"))
