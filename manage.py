#!/usr/bin/env python
"""Django's command line for the panel."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    os.environ.setdefault("PANEL_PROCESS", "command")  # a migration may take longer than a page
    execute_from_command_line(sys.argv)
