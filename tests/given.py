"""Facts of the made-up world that need no Django."""

# The secret of every made-up staff member's authenticator app, base32.
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
