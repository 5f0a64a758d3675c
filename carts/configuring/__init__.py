"""What a registry or a product wants to know: labels in words, forms, contacts."""
