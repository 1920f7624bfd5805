"""``python -m examples.fanout``: count the words of some files, one of which is no text."""

import tempfile
from pathlib import Path

from examples.stage import stage

FILES = {"tea.txt": b"one two three", "pot.txt": b"one two", "cup.txt": b"", "photo.txt": b"\xff\xd8\xff\xe0"}


def main() -> None:
    """Write the files, and have them counted."""
    with stage("examples.fanout.words:df", __doc__) as here, tempfile.TemporaryDirectory() as directory:
        from examples.fanout.words import count_words

        for name, content in FILES.items():
            Path(directory, name).write_bytes(content)
        run = count_words(directory, at_a_time=2).start()
        here.watch(run)
        found = run.result()
        print({Path(file).name: words for file, words in found.words.items()})
        print({Path(file).name: why for file, why in found.unread.items()})


if __name__ == "__main__":
    main()
