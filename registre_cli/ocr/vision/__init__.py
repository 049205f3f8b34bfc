"""Vision models behind an OpenAI-compatible chat API; the extra `vision` installs the client."""
