"""``python -m durableflow``: the same as the command ``durableflow``."""

from durableflow.cli import main

if __name__ == "__main__":
    main()
