"""`python -m audit8`: the command line of cli.py."""

import sys

from audit8.cli import main

if __name__ == "__main__":
    sys.exit(main())
