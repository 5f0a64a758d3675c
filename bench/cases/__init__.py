"""What runs in children, with Django: one function a case, returning its figures."""
