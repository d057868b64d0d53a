"""Tries to get out of a sandbox, or to do what nobody in one should: each attempt with the errno that the kernel is to give.

Prints a line of JSON for each: its name, what was expected, what came. "done" is no error. System calls are by their x86-64 numbers.
"""
import ctypes, errno, json, os, socket, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
NULL = ctypes.c_void_p(0)
# Added to the number of the signal that ends an attempt.
SIGNAL = 1000


def call(number, *arguments):
    def attempt():
        wide = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
        if libc.syscall(ctypes.c_long(number), *wide) < 0:
            raise OSError(ctypes.get_errno(), "")

    return attempt


def opening(path, flags=os.O_RDONLY):
    return lambda: os.close(os.open(path, flags))


def writing(path, text="1"):
    def attempt():
        with open(path, "w") as file:
            file.write(text)

    return attempt


def connecting(family, address, kind=socket.SOCK_STREAM):
    def attempt():
        with socket.socket(family, kind) as one:
            one.settimeout(1)
            one.connect(address)

    return attempt


def socket_of(family, kind, protocol=0):
    return lambda: socket.socket(family, kind, protocol).close()


def forking():
    for _ in range(5000):
        pid = os.fork()
        if pid == 0:
            os.read(pipe[0], 1)
            os._exit(0)


def eating():
    block = bytearray()
    while True:
        block += b"x" * (16 << 20)


def dying(attempt):
    """What a child dies of that makes the attempt."""

    def wait():
        pid = os.fork()
        if pid == 0:
            attempt()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        raise OSError(SIGNAL + os.WTERMSIG(status), "")

    return wait


def tracing():
    pid = os.fork()
    if pid == 0:
        os.read(pipe[0], 1)
        os._exit(0)
    try:
        call(101, 16, pid, 0, 0)()
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def gaining():
    """A set-user-ID program of the machine gives nothing."""
    status = open("/proc/self/status").read()
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    empty = all(int(fields[f"Cap{one}"], 16) == 0 for one in ("Inh", "Prm", "Eff", "Bnd", "Amb"))
    if not (empty and fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"):
        raise OSError(0, "has privileges")


def sees_others():
    if any(int(one) > 5000 for one in os.listdir("/proc") if one.isdigit()):
        raise OSError(0, "sees processes of the machine")


def interfaces():
    names = [line.split(":")[0].strip() for line in open("/proc/net/dev").readlines()[2:]]
    if names != ["lo"]:
        raise OSError(0, "has a network")


def personality(value):
    return call(135, value)


def filter_seccomp_off():
    call(157, 22, 0, 0, 0, 0)()


E = errno
NEW = {"mount": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000, "cgroup": 0x2000000}
pipe = os.pipe()
path = ctypes.c_char_p(b"/tmp")
buffer = ctypes.create_string_buffer(256)

attempts = [
    # Files of the machine.
    ("read the machine's shadow file", opening("/etc/shadow"), E.EACCES),
    ("write to the machine's passwd file", opening("/etc/passwd", os.O_WRONLY), E.EACCES),
    ("make a file in /etc", opening("/etc/gantry-was-here", os.O_CREAT | os.O_WRONLY), E.EROFS),
    ("make a file in /", opening("/gantry-was-here", os.O_CREAT | os.O_WRONLY), E.EROFS),
    ("remove a program", lambda: os.unlink("/bin/sh"), E.EROFS),
    ("change a program's mode", lambda: os.chmod("/bin/sh", 0o777), E.EROFS),
    ("change a program's owner", lambda: os.chown("/etc/passwd", 0, 0), E.EROFS),
    ("make a link in /usr", lambda: os.symlink("x", "/usr/x"), E.EROFS),
    ("read root's home", lambda: os.listdir("/root"), E.EACCES),
    ("read the root of init, with its mounts", opening("/proc/1/root/etc/shadow"), E.EACCES),
    ("read the environment of init", lambda: open("/proc/1/environ").read() and 0, None),
    # Kernel interfaces.
    ("read kernel memory", opening("/proc/kcore"), (E.EACCES, E.ENOENT)),
    ("read the keys", lambda: (open("/proc/keys").read() == "") or (_ for _ in ()).throw(OSError(0, "")), None),
    ("ask for a kernel crash", writing("/proc/sysrq-trigger", "h"), (E.EROFS, E.ENOENT)),
    ("set a sysctl of the kernel", writing("/proc/sys/kernel/core_pattern", "|/bin/sh"), E.EROFS),
    ("set a sysctl of memory", writing("/proc/sys/vm/overcommit_memory"), E.EROFS),
    ("set the interrupts", writing("/proc/irq/default_smp_affinity"), E.EROFS),
    ("write to sysfs", opening("/sys/kernel/mm/transparent_hugepage/enabled", os.O_WRONLY), (E.EACCES, E.EROFS)),
    ("make a cgroup", lambda: os.mkdir("/sys/fs/cgroup/x"), (E.EROFS, E.ENOENT)),
    ("read firmware tables", lambda: os.listdir("/sys/firmware") and (_ for _ in ()).throw(OSError(0, "")), None),
    ("read the power consumption", lambda: os.listdir("/sys/devices/virtual/powercap") and (_ for _ in ()).throw(OSError(0, "")), (None, E.ENOENT)),
    # Devices.
    ("make the device of kernel memory", lambda: os.mknod("/tmp/mem", 0o666 | 0o020000, os.makedev(1, 1)), E.EPERM),
    ("make a disk", lambda: os.mknod("/tmp/disk", 0o666 | 0o060000, os.makedev(8, 0)), E.EPERM),
    ("open kernel memory", opening("/dev/mem"), E.ENOENT),
    ("open the kernel log", opening("/dev/kmsg"), E.ENOENT),
    ("open a loop device", opening("/dev/loop-control"), E.ENOENT),
    ("open the fuse device", opening("/dev/fuse"), E.ENOENT),
    ("open the virtual machines", opening("/dev/kvm"), E.ENOENT),
    # Mounts and namespaces.
    ("mount a tmpfs", call(165, path, path, ctypes.c_char_p(b"tmpfs"), 0, NULL), E.EPERM),
    ("unmount /proc", call(166, ctypes.c_char_p(b"/proc"), 2), E.EPERM),
    ("make / writable", call(165, NULL, ctypes.c_char_p(b"/"), NULL, 0x1020, NULL), E.EPERM),
    ("change the root", call(155, path, path), E.EPERM),
    ("open a file system", call(430, ctypes.c_char_p(b"tmpfs"), 0), E.EPERM),
    ("take a mount", call(428, -100, ctypes.c_char_p(b"/"), 1), E.EPERM),
    ("change a mount's attributes", call(442, -100, ctypes.c_char_p(b"/"), 0, buffer, 32), E.EPERM),
    ("move a mount", call(429, -100, path, -100, path, 0), E.EPERM),
    *[(f"unshare the {name} namespace", call(272, flag), E.EPERM) for name, flag in NEW.items()],
    *[(f"clone into a {name} namespace", call(56, flag | 17, 0, 0, 0, 0), E.EPERM) for name, flag in NEW.items()],
    ("clone3", call(435, buffer, 64), E.ENOSYS),
    ("join a namespace", call(308, 0, 0), E.EPERM),
    ("chroot", lambda: os.chroot("/tmp"), E.EPERM),
    # Other processes.
    ("trace a child", tracing, E.EPERM),
    ("read another process's memory", call(310, 1, buffer, 1, buffer, 1, 0), E.EPERM),
    ("write another process's memory", call(311, 1, buffer, 1, buffer, 1, 0), E.EPERM),
    ("take another process's descriptor", call(438, 0, 0, 0), E.EPERM),
    ("compare processes", call(312, 1, 1, 0, 0, 0), E.EPERM),
    ("kill init", lambda: os.kill(1, 9) or os.kill(1, 0), None),
    ("see processes of the machine", sees_others, None),
    # Kernel subsystems with a history.
    ("set up io_uring", call(425, 8, buffer), E.EPERM),
    ("load a bpf program", call(321, 5, buffer, 48), E.EPERM),
    ("open a perf event", call(298, buffer, 0, -1, -1, 0), E.EPERM),
    ("handle page faults", call(323, 0), E.EPERM),
    ("add a key", call(248, path, path, path, 1, -3), E.EPERM),
    ("ask for a key", call(249, path, path, path, -3), E.EPERM),
    ("control keyrings", call(250, 0, -3, 0), E.EPERM),
    ("open by handle", call(304, -100, buffer, 0), E.EPERM),
    ("name a handle", call(303, -100, path, buffer, buffer, 0), E.EPERM),
    ("load a module", call(313, 0, path, 0), E.EPERM),
    ("unload a module", call(176, path, 0), E.EPERM),
    ("load another kernel", call(246, 0, 0, NULL, 0), E.EPERM),
    ("restart the machine", call(169, 0xFEE1DEAD, 672274793, 0x1234567, NULL), E.EPERM),
    ("swap on", call(167, path, 0), E.EPERM),
    ("set quotas", call(179, 0, path, 0, NULL), E.EPERM),
    ("account processes", call(163, path), E.EPERM),
    ("read the kernel log by syslog", call(103, 3, buffer, 255), E.EPERM),
    ("use ports", call(173, 0, 1024, 1), E.EPERM),
    ("raise the port privilege", call(172, 3), E.EPERM),
    ("set the clock", call(227, 0, buffer), E.EPERM),
    ("set the time of day", call(164, buffer, NULL), E.EPERM),
    ("set the host name", lambda: socket.sethostname("x"), E.EPERM),
    ("watch all files", call(300, 0, 0), E.EPERM),
    ("move memory between nodes", call(256, 0, 0, NULL, NULL), E.EPERM),
    ("change the personality", personality(0x0040000), E.EPERM),
    ("an unknown system call", call(999), E.ENOSYS),
    ("a system call of x32", dying(call(0x40000000 + 39)), SIGNAL + 31),
    # Sockets.
    ("a crypto socket", socket_of(38, socket.SOCK_SEQPACKET), E.EPERM),
    ("a socket to the hypervisor", socket_of(40, socket.SOCK_STREAM), E.EPERM),
    ("a packet socket", socket_of(17, socket.SOCK_RAW, 0x300), E.EPERM),
    ("a raw socket", socket_of(socket.AF_INET, socket.SOCK_RAW, 1), E.EPERM),
    ("a netlink socket for audit", socket_of(16, socket.SOCK_RAW, 9), E.EPERM),
    ("a netlink socket for the firewall", socket_of(16, socket.SOCK_RAW, 12), E.EPERM),
    ("a bluetooth socket", socket_of(31, socket.SOCK_RAW, 1), E.EPERM),
    ("the internet", connecting(socket.AF_INET, ("192.0.2.1", 80)), E.ENETUNREACH),
    ("the cloud's metadata", connecting(socket.AF_INET, ("169.254.169.254", 80)), E.ENETUNREACH),
    ("a server of this machine", connecting(socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))), E.ECONNREFUSED),
    ("an abstract socket of this machine", connecting(socket.AF_UNIX, "\0" + sys.argv[2]), E.ECONNREFUSED),
    ("the container engine's socket", connecting(socket.AF_UNIX, "/run/docker.sock"), E.ENOENT),
    ("any interface but loopback", interfaces, None),
    # Terminals.
    ("type into a terminal", call(16, 0, 0x5412, buffer), E.EACCES),
    ("type with high bits set", call(16, 0, 0x7_0000_5412, buffer), E.EACCES),
    ("paste into a console", call(16, 0, 0x541C, buffer), E.EACCES),
    # Identity.
    ("have any privilege", gaining, None),
    ("become another user of the machine", lambda: os.setuid(70_000), E.EINVAL),
    ("become a user of the sandbox", lambda: os.setuid(1000), E.EPERM),
    ("take a group", lambda: os.setgroups([1]), E.EPERM),
    ("raise a limit", call(302, 0, 4, struct.pack("QQ", 1, 1), NULL), E.EPERM),
    ("go ahead of all others", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)), E.EPERM),
    ("be nicer than nice", lambda: os.setpriority(os.PRIO_PROCESS, 0, -10), E.EACCES),
    ("spare itself from running out of memory", writing("/proc/self/oom_score_adj", "-1000"), E.EACCES),
    # Too much of everything.
    ("use all memory", dying(eating), SIGNAL + 9),
    ("fork without end", forking, E.EAGAIN),
]

for name, attempt, expected in attempts:
    pid = os.getpid()
    try:
        attempt()
        came = "done"
    except OSError as error:
        came = error.errno if error.errno is not None else str(error)
    if os.getpid() != pid:
        os._exit(0)
    text = lambda one: "done" if one is None else E.errorcode.get(one, one)
    allowed = expected if isinstance(expected, tuple) else (expected,)
    print(json.dumps([name, [text(one) for one in allowed], E.errorcode.get(came, came)]), flush=True)
