"""`python -m autodata` is the `autodata` command."""

from .cli import main

if __name__ == "__main__":
    main()
