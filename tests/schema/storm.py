"""Many processes that migrate one database at once: ``python storm.py URL COUNT``. Each prints the revision it ends at.

They are forked when everything is imported, and held at a pipe until all of them are there.
"""

import os
import sys

from durableflow.migrations import migrate


def main() -> None:
    url, count = sys.argv[1], int(sys.argv[2])
    gate, opener = os.pipe()
    children = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            os.close(opener)
            os.read(gate, 1)  # ends when the parent closes its side
            os.write(1, f"{migrate(url)}\n".encode())
            os._exit(0)
        children.append(pid)
    os.close(opener)
    failed = [pid for pid in children if os.waitpid(pid, 0)[1] != 0]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
