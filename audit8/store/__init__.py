"""The history of audits on disk, in one SQLite file that its owner alone can read."""
