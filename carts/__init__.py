"""Ordering: from a search for a domain name to a purchase order."""
