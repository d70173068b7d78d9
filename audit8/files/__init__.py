"""Where files are read: paths and git repositories in, a job out. Nothing outside the given paths is opened."""
