"""Moves facts between our carts and OVHcloud's, both ways; every function may run twice."""
