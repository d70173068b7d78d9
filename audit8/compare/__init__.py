"""The original model against what the server runs, measured on this machine: `audit8 compare`."""
