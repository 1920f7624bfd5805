"""Start one program that ends with the process that asked for it, even if that one gets SIGKILL.

Runs as a script of its own, before the program takes its place: ``python -I -S launch.py PLAN PROGRAM ARGUMENT...``.
An ``exec`` keeps the process id, so whoever started this knows the program's id. ``preexec_fn`` could do the same, but
it runs Python between fork and exec, which may deadlock in a process with threads.

On Linux the kernel sends the signal when the parent ends (PR_SET_PDEATHSIG). Elsewhere a small watcher does: it reads a
pipe that only the parent holds open, and end-of-file means that the parent is gone.
"""

import ctypes
import json
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    plan = json.loads(sys.argv[1])
    program = sys.argv[2:]
    if plan["terminal"]:
        _take_terminal()
    if plan["cwd"] is not None:
        os.chdir(plan["cwd"])  # before the user changes: the new one may not be allowed to walk to this directory
    if plan["uid"] is not None:
        os.setgroups([])
        os.setgid(plan["gid"])
        os.setuid(plan["uid"])
    # After the change of user, which clears the parent-death signal.
    if plan["watch"] is None:
        _ask_kernel(plan["signal"])
        if os.getppid() != plan["parent"]:
            sys.exit("the process that started this one is gone")
    else:
        _watch(plan["watch"], plan["signal"])
    try:
        os.execvp(program[0], program)
    except OSError as error:
        print(f"cannot run {program[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(126 if isinstance(error, PermissionError) else 127)


def _take_terminal() -> None:
    """Make this process group the terminal's foreground job: who reads there from elsewhere is stopped."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # nobody here could continue a job that Ctrl-Z has stopped


def _ask_kernel(number: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")


def _watch(pipe: int, number: int) -> None:
    program = os.getpid()
    if os.fork() != 0:
        os.close(pipe)
        return
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for inherited in (0, 1, 2):  # a reader of the program's output must see its end when the program ends
        os.dup2(nowhere, inherited)
    while os.read(pipe, 1):
        pass
    # The program is this watcher's parent for as long as it lives: its id cannot have become someone else's.
    if os.getppid() == program:
        os.kill(program, number)
    os._exit(0)


if __name__ == "__main__":
    main()
