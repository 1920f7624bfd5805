"""``python -m tests.fire.client CANVAS DIRECTORY``: starts a canvas as Celery does; prints the id of its result."""

import json
import sys

from tests.fire.canvases import CANVASES


def main() -> None:
    name, book = sys.argv[1:]
    result = CANVASES[name].make(book).apply_async()
    print(json.dumps(result.as_tuple()))


if __name__ == "__main__":
    main()
