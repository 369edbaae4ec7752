"""Refuse system calls that a fence of files and ports does not cover, by a filter that no later program can take off.

What is refused: keyrings, io_uring, bpf and the like, which no build needs and which kernels were broken through;
name spaces, mounts and modules; sockets other than plain TCP, because Landlock holds only that; TCP Fast Open,
which connects without asking Landlock; what reaches other processes of the same user or their memory.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

_SET_SECCOMP, _SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_OF, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER_AT, _MACHINE_AT, _ARGUMENTS_AT = 0, 4, 16
_X32 = 0x40000000
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK, _STREAM, _KIND, _TCP = 1, 2, 10, 16, 1, 0xF, 6
_FAST_OPEN = 0x20000000
_NEW_SPACES = 0x7E020080
"""Every ``CLONE_NEW*`` flag: time, mount, cgroup, host name, message queues, user, process and network."""
_PUSH_INPUT, _LINUX_CONSOLE = 0x5412, 0x541C

_TABLE = """
io_uring_setup 425 425
io_uring_enter 426 426
io_uring_register 427 427
open_tree 428 428
move_mount 429 429
fsopen 430 430
fsconfig 431 431
fsmount 432 432
fspick 433 433
pidfd_getfd 438 438
mount_setattr 442 442
quotactl_fd 443 443
clone3 435 435
socket 41 198
clone 56 220
ioctl 16 29
sendto 44 206
sendmsg 46 211
sendmmsg 307 269
prlimit64 302 261
shmget 29 194
shmat 30 196
semget 64 190
msgget 68 186
mq_open 240 180
ptrace 101 117
process_vm_readv 310 270
process_vm_writev 311 271
kcmp 312 272
keyctl 250 219
add_key 248 217
request_key 249 218
bpf 321 280
userfaultfd 323 282
perf_event_open 298 241
unshare 272 97
setns 308 268
mount 165 40
umount2 166 39
pivot_root 155 41
chroot 161 51
mknod 133 -
mknodat 259 33
swapon 167 224
swapoff 168 225
reboot 169 142
kexec_load 246 104
kexec_file_load 320 294
init_module 175 105
finit_module 313 273
delete_module 176 106
acct 163 89
quotactl 179 60
open_by_handle_at 304 265
syslog 103 116
vhangup 153 58
iopl 172 -
ioperm 173 -
settimeofday 164 170
clock_settime 227 112
adjtimex 159 171
clock_adjtime 305 266
sethostname 170 161
setdomainname 171 162
fanotify_init 300 262
"""
"""Every call that is refused or looked into: its name, its number on x86_64 and on aarch64."""
_Code = tuple[int, int, int, int]
"""One instruction: what to do, how far to skip when true and when false, and a value."""
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_LOOKED_INTO = frozenset({"socket", "clone", "clone3", "ioctl", "sendto", "sendmsg", "sendmmsg", "prlimit64"})
"""Calls of which only some uses are refused."""
_REACHING_OUT = frozenset(
    {"shmget", "shmat", "semget", "msgget", "mq_open", "ptrace", "process_vm_readv", "process_vm_writev"}
)
"""Calls that own name spaces make harmless; refused only where there are none."""


def _numbers(machine: str) -> dict[str, int]:
    """Return the number of each call that a machine has."""
    place = 1 + list(_MACHINES).index(machine)
    rows = (row.split() for row in _TABLE.strip().splitlines())
    return {row[0]: int(row[place]) for row in rows if row[place] != "-"}


def supported() -> bool:
    """Tell whether the calls of this machine are known."""
    return os.uname().machine in _MACHINES


def program(*, alone: bool) -> bytes:
    """Return the filter for this machine.

    Args:
        alone: nothing else separates the program from its host; refuse sockets and shared memory as well.

    Raises:
        OSError: the calls of this machine are not known.
    """
    machine = os.uname().machine
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"the system calls of {machine} are not known")
    numbers = _numbers(machine)
    kept = _LOOKED_INTO if alone else _LOOKED_INTO | _REACHING_OUT
    refused = sorted(number for name, number in numbers.items() if name not in kept)
    code: list[_Code] = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_EQUAL, 1, 0, _MACHINES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        *_when(_AT_LEAST, _X32, errno.ENOSYS),
        *_when(
            _EQUAL, numbers["clone3"], errno.ENOSYS
        ),  # its flags are out of sight; libraries then use clone
        *(step for number in refused for step in _when(_EQUAL, number, errno.EPERM)),
        *_only(numbers["clone"], _refuse_flags(0, _NEW_SPACES)),
        *_only(numbers["ioctl"], _refuse_values(1, (_PUSH_INPUT, _LINUX_CONSOLE))),
    ]
    code += _only(numbers["socket"], _plain_sockets() if alone else _divided_sockets())
    if alone:
        code += _only(numbers["prlimit64"], _own_process())
        for name, place in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
            code += _only(numbers[name], _refuse_flags(place, _FAST_OPEN))
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *step) for step in code)


def restrict(filter_: bytes) -> None:
    """Put a filter around this process.

    Raises:
        OSError: the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(filter_, len(filter_))
    what = struct.pack("@HP", len(filter_) // 8, ctypes.addressof(held))
    for option, value, more in ((_SET_NO_NEW_PRIVS, 1, None), (_SET_SECCOMP, _FILTER, what)):
        if libc.prctl(option, value, more, 0, 0) != 0:
            code = ctypes.get_errno()
            raise OSError(code, f"seccomp: {os.strerror(code)}")


def _when(test: int, value: int, code: int) -> tuple[_Code, _Code]:
    return (test, 0, 1, value), (_RETURN, 0, 0, _ERRNO | code)


def _only(number: int, then: list[_Code]) -> list[_Code]:
    """Do something for one call; it falls through when it has nothing to refuse."""
    return [(_EQUAL, 0, len(then) + 1, number), *then, (_LOAD, 0, 0, _NUMBER_AT)]


def _argument(place: int) -> _Code:
    """Load the low half of an argument; the kernel reads no more of any that we look at."""
    return (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * place)


def _refuse_flags(place: int, flags: int) -> list[_Code]:
    return [_argument(place), *_when(_ANY_OF, flags, errno.EPERM)]


def _refuse_values(place: int, values: tuple[int, ...]) -> list[_Code]:
    return [_argument(place), *(step for value in values for step in _when(_EQUAL, value, errno.EPERM))]


def _own_process() -> list[_Code]:
    return [_argument(0), (_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]


def _divided_sockets() -> list[_Code]:
    """Refuse kinds of sockets that a network name space does not divide, such as those of virtual machines."""
    families = (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK)
    checks = [(_EQUAL, len(families) - place, 0, family) for place, family in enumerate(families)]
    return [_argument(0), *checks, (_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT)]


def _plain_sockets() -> list[_Code]:
    """Let TCP and the listing of network interfaces through, and no other socket."""
    no = (_RETURN, 0, 0, _ERRNO | errno.EACCES)
    return [
        _argument(0),
        (_EQUAL, 3, 0, _AF_INET),
        (_EQUAL, 2, 0, _AF_INET6),
        (_EQUAL, 9, 0, _AF_NETLINK),
        no,
        _argument(1),
        (_AND, 0, 0, _KIND),
        (_EQUAL, 1, 0, _STREAM),
        no,
        _argument(2),
        (_EQUAL, 5, 0, 0),
        (_EQUAL, 4, 0, _TCP),
        no,
        _argument(2),
        (_EQUAL, 1, 0, 0),
        no,
    ]
