"""`make demo`: the panel, its services and the stand-in OVHcloud under one supervisor, on this machine alone."""
