"""
Settings of the panel, read from the environment and from nowhere else.

Every variable stands in the table of README.md. `PANEL_ENV` says what this process is part of: `production` (the
default, which refuses to start half-configured), `demo` or `test`.
"""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import environ
from babel import Locale
from celery.schedules import schedule
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from panel.logs import LOGGING as LOGGING  # the name Django looks for
from panel.redis_url import broker_url, cache_url

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

PANEL_ENV = env.str("PANEL_ENV", "production")
if PANEL_ENV not in {"production", "demo", "test"}:
    raise ImproperlyConfigured("PANEL_ENV is production, demo or test.")
PRODUCTION = PANEL_ENV == "production"


def required(name: str) -> str:
    """Return a variable without which nothing can run, or say in one sentence what to set."""
    value = env.str(name, "")
    if not value:
        raise ImproperlyConfigured(f"Set {name} in the environment; README.md says what it holds.")
    return value


# --- Who we are -------------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", False)
if DEBUG and PRODUCTION:
    raise ImproperlyConfigured("DEBUG shows customers' data to strangers: unset it, or set PANEL_ENV=demo.")
SECRET_KEY = required("SECRET_KEY")
# The one origin that mails, documents and OVHcloud's redirections name; a request's Host header never decides it.
BASE_URL = required("BASE_URL").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[urlsplit(BASE_URL).hostname or ""])
HTTPS = BASE_URL.startswith("https://")
if PRODUCTION and not HTTPS:
    raise ImproperlyConfigured(
        "BASE_URL must begin with https:// in production: sign-in and withdrawals pass through it."
    )
CSRF_TRUSTED_ORIGINS = [BASE_URL]
# How many proxies of ours stand in front and append to X-Forwarded-For; 0 ignores the header.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "accounts",
    "orders",
    "carts",
    "support",
    "panel",
]

MIDDLEWARE = [
    "panel.middleware.RequestId",
    # Around everything that may answer by itself, so that refusals and redirects have their headers, too.
    "csp.middleware.CSPMiddleware",
    "panel.middleware.PrivateByDefault",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.CurrentNichandle",
    "accounts.middleware.SignInRequired",
    "orders.middleware.OrderOfLinkedAccount",
    "accounts.scope.OwnRowsOnly",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "panel.urls"
WSGI_APPLICATION = "panel.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "panel.context.frame",
                "carts.context.cart",
            ],
        },
    }
]

# --- PostgreSQL: the truth --------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url_config(required("DATABASE_URL"))}
# Another role may own the tables: it migrates and purges, and the panel's own can then not change what is append-only.
DATABASE_APPLICATION_ROLE = ""
if _owner_url := env.str("DATABASE_OWNER_URL", ""):
    DATABASE_APPLICATION_ROLE = str(DATABASES["default"].get("USER", ""))
    if sys.argv[1:2] in (["migrate"], ["purge_audit"], ["purge_declarations"]):
        DATABASES = {"default": env.db_url_config(_owner_url)}
PROCESS = env.str("PANEL_PROCESS", "web")  # web, worker or command: decides pooling and patience
_limits = {"web": (5_000, 2_000), "worker": (30_000, 5_000), "command": (0, 0)}[PROCESS]
DATABASES["default"]["OPTIONS"] = DATABASES["default"].get("OPTIONS", {}) | {
    "connect_timeout": 3,
    "options": f"-c statement_timeout={_limits[0]} -c lock_timeout={_limits[1]}"
    " -c idle_in_transaction_session_timeout=60000",
}
if PROCESS == "web" and PANEL_ENV != "test":
    # A stopped PostgreSQL answers 503 after three seconds instead of holding every thread.
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 3}
else:
    # Celery closes Django's pool after each task, so workers keep plain connections.
    DATABASES["default"]["CONN_MAX_AGE"] = 600
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# --- Redis or Valkey: the doorbell ------------------------------------------------------------------------------------
REDIS_URL = required("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "panel.cache.ForgivingRedisCache",
        "LOCATION": cache_url(REDIS_URL),
        "OPTIONS": {
            "serializer": "panel.cache.JSONSerializer",
            "socket_timeout": 0.2,
            "socket_connect_timeout": 0.2,
        },
        "KEY_PREFIX": "panel",
    }
}

CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Late acks with a bounded retry: of 1,200 tasks under 25 kills none was lost and one ran twice.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_RETRY_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 60
CELERY_TASK_TIME_LIMIT = 75
_broker_patience = {"web": 0.2, "command": 2.0}.get(PROCESS)
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {"visibility_timeout": 150}
if _broker_patience:
    # Whoever only publishes must not hang with a broker that does not answer: the sweeps ring again. A worker gets
    # no socket timeout, for with one it reconnects for ever.
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "socket_timeout": _broker_patience,
        "socket_connect_timeout": _broker_patience,
        # Nor connect again: from the second ring on that alone took 6.6 s of a page's time.
        "max_retries": 0,
    }
    CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_TASK_ROUTES = {
    "orders.tasks.relay_intents": {"queue": "intents"},
    "orders.tasks.send_receipts": {"queue": "intents"},
    "orders.tasks.match_declarations": {"queue": "intents"},
    "orders.tasks.check_awaited": {"queue": "interactive"},
    "carts.tasks.mirror_carts": {"queue": "interactive"},
    "carts.tasks.ask_domains": {"queue": "interactive"},
    "carts.tasks.read_catalogues": {"queue": "interactive"},
    "carts.tasks.carry_contacts": {"queue": "interactive"},
    "carts.tasks.read_rules": {"queue": "interactive"},
    "orders.tasks.poll_orders": {"queue": "poll"},
    "orders.tasks.find_orders": {"queue": "poll"},
    "orders.tasks.expire_orders": {"queue": "bulk"},
    "orders.tasks.look_for_refunds": {"queue": "bulk"},
    "orders.tasks.make_exports": {"queue": "import"},
    "accounts.tasks.seal": {"queue": "bulk"},
    "accounts.tasks.tell_of_lapsing_keys": {"queue": "bulk"},
    "accounts.tasks.apply_retention": {"queue": "bulk"},
    "orders.tasks.import_orders": {"queue": "import"},
    "orders.tasks.read_idle_details": {"queue": "import"},
}
# Two kinds of workers, so that a poll which waits for a silent OVHcloud never keeps a withdrawal waiting.
QUEUES_FOR_PEOPLE = ("interactive", "intents")
QUEUES_OF_THE_CLOCK = ("poll", "import", "bulk")
CELERY_QUEUES_IN_USE = QUEUES_FOR_PEOPLE + QUEUES_OF_THE_CLOCK
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"


def _every(task: str, seconds: float) -> dict[str, object]:
    # A ring nobody answered in time is worth nothing: the next one asks the same question of the same rows.
    return {
        "task": task,
        "schedule": schedule(timedelta(seconds=seconds)),
        "options": {"expires": seconds * 3},
    }


CELERY_BEAT_SCHEDULE = {
    "intents": _every("orders.tasks.relay_intents", 2),
    "receipts": _every("orders.tasks.send_receipts", 5),
    "matches": _every("orders.tasks.match_declarations", 20),
    "refunds": _every("orders.tasks.look_for_refunds", 15),
    "awaited": _every("orders.tasks.check_awaited", 2),
    "carts": _every("carts.tasks.mirror_carts", 2),
    "searches": _every("carts.tasks.ask_domains", 2),
    "catalogues": _every("carts.tasks.read_catalogues", 10),
    "contacts": _every("carts.tasks.carry_contacts", 5),
    "rules": _every("carts.tasks.read_rules", 10),
    "poll": _every("orders.tasks.poll_orders", 2),
    "find": _every("orders.tasks.find_orders", 10),
    "expire": _every("orders.tasks.expire_orders", 30),
    "import": _every("orders.tasks.import_orders", 15),
    "details": _every("orders.tasks.read_idle_details", 20),
    "canary": _every("orders.tasks.sing", 15),
    "exports": _every("orders.tasks.make_exports", 30),
    "keys": _every("accounts.tasks.drop_keys", 20),
    "seals": _every("accounts.tasks.seal", 60),
    "lapsing keys": _every("accounts.tasks.tell_of_lapsing_keys", 3600),
    "retention": _every("accounts.tasks.apply_retention", 3600),
    "notices": _every("accounts.tasks.send_notices", 20),
}

# --- OVHcloud ---------------------------------------------------------------------------------------------------------
OVH_ENDPOINT = env.str("OVH_ENDPOINT", "ovh-eu")
OVH_BASE_URL = env.str("OVH_BASE_URL", "").rstrip("/")  # empty: the official address of OVH_ENDPOINT
OVH_APPLICATION_KEY = required("OVH_APPLICATION_KEY") if PRODUCTION else env.str("OVH_APPLICATION_KEY", "")
OVH_APPLICATION_SECRET = required("OVH_APPLICATION_SECRET") if PRODUCTION else env.str("OVH_APPLICATION_SECRET", "")
# Calls to OVHcloud for each consumer key (accounts/budget.py): the bucket, its refill to begin with, the most it may
# grow to, and one for the whole installation, 0 for none. OVHcloud publishes no limit; 60 a minute was said to be fine.
OVH_CALLS_AT_ONCE = env.int("OVH_CALLS_AT_ONCE", 60)
OVH_CALLS_A_MINUTE = env.int("OVH_CALLS_A_MINUTE", 60)
OVH_CALLS_A_MINUTE_AT_MOST = env.int("OVH_CALLS_A_MINUTE_AT_MOST", 120)
OVH_CALLS_A_MINUTE_IN_ALL = env.int("OVH_CALLS_A_MINUTE_IN_ALL", 0)
# The nichandle, one of the operator's, by whose key visitors look up domain names before they sign in; empty: they
# sign in first.
SEARCH_NICHANDLE = env.str("SEARCH_NICHANDLE", "")
# Hosts that a browser may be sent to: OVHcloud's validation page and its page of a purchase order.
OVH_WEB_HOSTS = env.list(
    "OVH_WEB_HOSTS",
    default=[
        "eu.api.ovh.com",
        "ca.api.ovh.com",
        "api.us.ovhcloud.com",
        "www.ovh.com",
        "auth.ovhcloud.com",
        "www.ovhcloud.com",
        "order.ovhcloud.com",
        "us.ovhcloud.com",
        "ca.ovh.com",
    ],
)
if OVH_BASE_URL:
    OVH_WEB_HOSTS = [*OVH_WEB_HOSTS, urlsplit(OVH_BASE_URL).netloc]
# Extensions in which a searched name is looked up besides the one that was typed; each is a call to OVHcloud.
DOMAIN_EXTENSIONS = env.list(
    "DOMAIN_EXTENSIONS",
    default=["com", "fr", "net", "org", "eu", "shop", "blog", "de", "co.uk", "paris", "berlin", "bzh"],
)
# Fernet keys, newest first; consumer keys are stored encrypted with the first and read with any.
CREDENTIAL_KEYS = env.list("CREDENTIAL_KEYS", default=[])
if not CREDENTIAL_KEYS:
    raise ImproperlyConfigured(
        "Set CREDENTIAL_KEYS (one or more Fernet keys, newest first); README.md says how to make one."
    )

# --- Signing in -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.Backend"]
LOGIN_URL = "home"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGIN_TIMEOUT = 900
# How much of a caller's address the audit trail keeps: full, network (/24, /48) or none.
AUDIT_ADDRESSES = env.str("AUDIT_ADDRESSES", "full")
if AUDIT_ADDRESSES not in {"full", "network", "none"}:
    raise ImproperlyConfigured("AUDIT_ADDRESSES is full, network or none.")
# Days for which what is kept: accounts/retention.py. Declarations and their receipts are not let go by themselves.
RETAIN_AUDIT_DAYS = env.int("RETAIN_AUDIT_DAYS", 365)
RETAIN_CARTS_DAYS = env.int("RETAIN_CARTS_DAYS", 90)
RETAIN_EVIDENCE_DAYS = env.int("RETAIN_EVIDENCE_DAYS", 365)
RETAIN_NOTICES_DAYS = env.int("RETAIN_NOTICES_DAYS", 365)
RETAIN_INVITATIONS_DAYS = env.int("RETAIN_INVITATIONS_DAYS", 30)
RETAIN_SESSIONS_DAYS = env.int("RETAIN_SESSIONS_DAYS", 7)
RETAIN_SIGN_INS_DAYS = env.int("RETAIN_SIGN_INS_DAYS", 1)
if RETAIN_AUDIT_DAYS < 30:
    raise ImproperlyConfigured("RETAIN_AUDIT_DAYS: an audit trail of less than 30 days proves nothing.")
# Attempts on both ways in; the cache that counts them reads as empty when Redis is away.
ACCOUNT_RATE_LIMITS = {
    "sign_in": "20/m/ip",
    "sign_in_return": "30/m/ip",
    "receipt": "60/m/ip",
    "receipt_noted": "1/h/ip",
    "login": "30/m/ip",
    "login_failed": "10/m/ip,5/5m/key",
}
# What else may be done how often: for an address, and for a person who is signed in. See accounts/limits.py.
LIMITS = {
    "link": "20/m/ip,10/m/user",
    "assurance": "20/m/ip,10/m/user",
    "search": "240/m/ip,120/m/user",
    "export": "20/h/ip,5/h/user",
    "declared": "60/m/ip",
    "noted": "1/h/ip",
    "people": "60/m/ip,30/m/user",
    # Each search is a call to OVHcloud for each name and extension.
    "domains": "40/m/ip,20/m/user",
    "answers": "240/m/ip,180/m/user",
    "cart": "120/m/ip,60/m/user",
}
MFA_ADAPTER = "accounts.factors.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_FORMS = {
    "add_webauthn": "accounts.forms.AddPasskeyForm",
    "authenticate_webauthn": "accounts.forms.AuthenticateByPasskeyForm",
    "reauthenticate_webauthn": "accounts.forms.ShowByPasskeyForm",
}
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Half minutes that a phone's clock may be off, either way.
MFA_TOTP_TOLERANCE = 2
# Browsers take localhost for safe; elsewhere a passkey answers only to BASE_URL's own https.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if PANEL_ENV == "test":
    # Hashing is slow on purpose; the tests' passwords guard nothing.
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Sessions live in PostgreSQL, so that a dead Redis signs nobody out.
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_NAME = "__Host-panel_session" if HTTPS else "panel_session"
SESSION_COOKIE_SECURE = HTTPS
# Seconds that a session lasts from its beginning, whatever is done; the minutes it may lie unused.
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", 12) * 3600
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", 120)
STAFF_SESSION_IDLE_MINUTES = env.int("STAFF_SESSION_IDLE_MINUTES", 30)
SESSION_EXPIRE_AT_BROWSER_CLOSE = False
CSRF_COOKIE_NAME = "__Host-panel_csrf" if HTTPS else "panel_csrf"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "panel.views.csrf_failure"
LANGUAGE_COOKIE_NAME = "panel_language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE: Literal["Lax"] = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True

# --- Headers ----------------------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = False
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading is the owner's decision about a whole domain
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
# No form takes a file, so nobody may fill our disk with one.
DATA_UPLOAD_MAX_NUMBER_FILES = 0

# --- Languages, times, amounts ----------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
# Another language is a folder in locale/ and nothing else; each is named in its own words.
LANGUAGES = [("en", "English")] + [
    (catalogue.parts[-3], (Locale.parse(catalogue.parts[-3]).display_name or catalogue.parts[-3]).capitalize())
    for catalogue in sorted((BASE_DIR / "locale").glob("*/LC_MESSAGES/django.mo"))
]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files ------------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
# Tests collect nothing: WhiteNoise finds the files where they are.
# Where collectstatic put compressed files under names that change with them; unset outside production: as they lie.
COLLECTED = env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles") if PRODUCTION else "")
STATIC_ROOT = COLLECTED or (None if PANEL_ENV == "test" else BASE_DIR / "staticfiles")
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- Mail -------------------------------------------------------------------------------------------------------------
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="smtp://localhost:25")
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "orders@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Words of the operator --------------------------------------------------------------------------------------------
SITE_NAME = env.str("SITE_NAME", "")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", "")
IMPRINT_URL = env.str("IMPRINT_URL", "")
PRIVACY_URL = env.str("PRIVACY_URL", "")
# Addresses by language; a language without one takes English's.
CONTRACTS_URL = {
    "en": env.str("CONTRACTS_URL_EN", "https://www.ovhcloud.com/en/terms-and-conditions/contracts/"),
    "fr": env.str("CONTRACTS_URL_FR", "https://www.ovhcloud.com/fr/terms-and-conditions/contracts/"),
}
GUIDES_URL = {
    "en": env.str("GUIDES_URL_EN", "https://help.ovhcloud.com/csm/en-home"),
    "fr": env.str("GUIDES_URL_FR", "https://help.ovhcloud.com/csm/fr-home"),
}
COMMUNITY_URL = {
    "en": env.str("COMMUNITY_URL_EN", "https://community.ovhcloud.com/"),
    "fr": env.str("COMMUNITY_URL_FR", "https://community.ovhcloud.com/"),
}
PARTNERS_URL = {
    "en": env.str("PARTNERS_URL_EN", "https://partner.ovhcloud.com/en/directory/"),
    "fr": env.str("PARTNERS_URL_FR", "https://partner.ovhcloud.com/fr/directory/"),
}
PAYMENT_METHODS_URL = {
    "en": env.str("PAYMENT_METHODS_URL_EN", "https://www.ovh.com/manager/#/dedicated/billing/payment/method"),
    "fr": env.str("PAYMENT_METHODS_URL_FR", "https://www.ovh.com/manager/#/dedicated/billing/payment/method"),
}
