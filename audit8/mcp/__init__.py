"""The tools of `audit8 mcp`, for assistants that speak the Model Context Protocol. Needs the extra `mcp`."""
