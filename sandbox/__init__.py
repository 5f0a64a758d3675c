"""
A stand-in for the OVHcloud ordering API: its own Django project, process, port and database.

It shares an address with the panel and nothing else. `python -m sandbox` starts it.
"""
