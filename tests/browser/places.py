"""Where a page is read: both widths and languages, with scripts and without. A diagonal; all in `make prove`."""

import os

import pytest

_WHOLE = bool(os.environ.get("PROVE"))
_EVERYWHERE = [("phone", "fr"), ("desk", "en"), ("phone", "en"), ("desk", "fr")]
_DIAGONAL = _EVERYWHERE[:2]
_SCRIPTS = [True, False]

places = pytest.mark.parametrize(("width", "language"), _EVERYWHERE if _WHOLE else _DIAGONAL)
# The phone with scripts and the desk without, and in `make prove` each place both ways.
places_and_scripts = pytest.mark.parametrize(
    ("width", "language", "scripts"),
    [(*place, scripts) for place in _EVERYWHERE for scripts in _SCRIPTS]
    if _WHOLE
    else [(*place, scripts) for place, scripts in zip(_DIAGONAL, _SCRIPTS, strict=True)],
)
