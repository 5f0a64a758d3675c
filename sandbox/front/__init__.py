"""The socket side of the sandbox: HTTP, faults and the request log, before Django sees anything."""
