"""Settings of the sandbox, which is a project of its own. `python -m sandbox` fills the environment they read."""

from pathlib import Path

import environ

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent
DEBUG = False
# Signs the tokens in the sandbox's own forms. It guards nothing that is not invented.
SECRET_KEY = env.str("SANDBOX_SECRET_KEY", "a stand-in has nothing to hide, only forms to recognise")
# Whoever reaches the socket may ask by any name; what must stay on this machine looks at the peer instead.
ALLOWED_HOSTS = ["*"]
# Whether /_control/ is there at all. `python -m sandbox` switches it on.
CONTROL = env.str("SANDBOX_CONTROL", "") == "1"
ROOT_URLCONF = "sandbox.urls"
INSTALLED_APPS = ["sandbox.apps.SandboxConfig"]
MIDDLEWARE: list[str] = []
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "Europe/Paris"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The front limits bodies itself; Django's own limits would answer in Django's words.
DATA_UPLOAD_MAX_MEMORY_SIZE = None
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

DATABASES = {"default": env.db_url("SANDBOX_DATABASE_URL", "postgresql:///sandbox")}
DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True, "DISABLE_SERVER_SIDE_CURSORS": True}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {"context_processors": []},
    }
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        # Refusals are this project's business; the request log at /_control/requests holds them.
        "django.request": {"handlers": ["console"], "level": "ERROR", "propagate": False},
        "sandbox": {"handlers": ["console"], "level": "INFO", "propagate": False},
    },
}
