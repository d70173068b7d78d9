"""Messages in, tokens out. Knows nothing of audits, HTTP or source files."""
