"""Messages in, tokens out, by an OpenAI-compatible server, mostly another machine's. Knows nothing of audits."""
