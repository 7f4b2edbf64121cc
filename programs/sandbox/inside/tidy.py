"""Removes what an untrusted program has left on the disk."""

# Importing pathlib would take longer than all that is done here.
# ruff: noqa: PTH101, PTH104, PTH106, PTH108, PTH112, PTH114, PTH208

import os


def remove(folder: str) -> None:
    """Remove a folder that a stranger has filled.

    Folders are emptied into the top one instead of being descended into: a program can nest them
    deeper than paths and recursion reach.
    """
    moved = 0
    while names := os.listdir(folder):
        for name in names:
            path = f"{folder}/{name}"
            if os.path.islink(path) or not os.path.isdir(path):
                os.unlink(path)
                continue
            os.chmod(path, 0o700)
            for inner in os.listdir(path):
                below = f"{path}/{inner}"
                if not os.path.islink(below):
                    os.chmod(below, 0o700)
                moved += 1
                os.rename(below, f"{folder}/moved{moved}")
            os.rmdir(path)
    os.rmdir(folder)
