"""A path or URL becomes the bytes of a PDF, within limits."""
