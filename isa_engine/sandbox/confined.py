"""What a decoder may still ask of the system: memory, time, and the pipe that it has.

On Linux a filter of system calls (seccomp) refuses everything that is not named here, so a decoder that was
taken over starts no program, process or thread, signals nobody, and reads neither files nor another
process's memory. A process
that is not "dumpable" keeps its own memory from others of the same user.
"""

import ctypes
import errno
import platform
import struct
import sys
from pathlib import Path

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
# The call that sets a filter: its number by machine, and that the filter is for all threads.
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_FILTER, _ALL_THREADS = ctypes.c_ulong(1), ctypes.c_ulong(1)
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
# Of ``struct seccomp_data``: the number of the call, and its architecture.
_NUMBER, _ARCHITECTURE = 0, 4

# By machine: the architecture's own number, and those of its calls, from the kernel's tables.
_CALLS = {
    "x86_64": (
        0xC000003E,
        {
            **{"read": 0, "write": 1, "close": 3, "fstat": 5, "lseek": 8, "mmap": 9, "mprotect": 10},
            **{"munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15},
            **{"readv": 19, "writev": 20, "sched_yield": 24, "mremap": 25, "madvise": 28, "getpid": 39},
            **{"exit": 60, "getrusage": 98, "sysinfo": 99, "gettid": 186, "futex": 202},
            **{"sched_getaffinity": 204, "clock_gettime": 228, "clock_nanosleep": 230, "exit_group": 231},
            **{"getrandom": 318, "rseq": 334, "set_robust_list": 273},
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            **{"read": 63, "write": 64, "close": 57, "fstat": 80, "lseek": 62, "mmap": 222, "mprotect": 226},
            **{"munmap": 215, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139},
            **{"readv": 65, "writev": 66, "sched_yield": 124, "mremap": 216, "madvise": 233, "getpid": 172},
            **{"exit": 93, "getrusage": 165, "sysinfo": 179, "gettid": 178, "futex": 98},
            **{"sched_getaffinity": 123, "clock_gettime": 113, "clock_nanosleep": 115, "exit_group": 94},
            **{"getrandom": 278, "rseq": 293, "set_robust_list": 99},
        },
    ),
}


def keep_memory_private() -> None:
    """No other process of this user reads this one's memory or environment; on Linux alone."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def confine() -> None:
    """From here on all threads of this process ask the system for what is named above, and for nothing else.

    Where the system has no such filter, or the machine is another one, the limits of resources stand alone.
    """
    if not sys.platform.startswith("linux") or platform.machine() not in _CALLS:
        return
    architecture, calls = _CALLS[platform.machine()]
    numbers = calls.values()
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        # Each one that fits jumps over the rest, and over the refusal.
        *((_JUMP_EQUAL, len(numbers) - k, 0, number) for k, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ERROR | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    instructions = b"".join(struct.pack("HBBI", *each) for each in program)
    memory = ctypes.create_string_buffer(instructions, len(instructions))
    whole = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(memory)))
    system = ctypes.CDLL(None, use_errno=True)
    none = ctypes.c_ulong(0)
    system.prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), none, none, none)
    system.syscall(ctypes.c_long(_SECCOMP[platform.machine()]), _FILTER, _ALL_THREADS, whole)


def limit(memory: int, seconds: int) -> None:
    """From here on: so much memory, little time, no new files, none written, no core, no other processes.

    Args:
        memory: bytes, beside what the process has already.
        seconds: of the processor.
    """
    import resource

    # The limit counts what the process has already, which only Linux tells.
    if sys.platform.startswith("linux"):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    # Linux counts threads as processes; root is not held to it.
    for none in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE, resource.RLIMIT_NPROC):
        resource.setrlimit(none, (0, 0))
