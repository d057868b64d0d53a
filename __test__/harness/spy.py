"""Runs in a container and watches the processes that come into its PID namespace.

Usage: spy.py CAPABILITIES
CAPABILITIES is the mask, in hexadecimal, of those that a process may have. Prints "ready", and "saw N" when /stop is there; and before
that a line for each thing that a process must not have had: another capability, a descriptor of a mount that is not the container's
(only CAP_SYS_PTRACE can see those), or, without CAP_SYS_PTRACE, a program of ours that can be reached.
"""
import os
import re
import sys

allowed = int(sys.argv[1], 16)
may_trace = bool(allowed & 1 << 19)
own = os.getpid()
mounts = {line.split(" ")[0] for line in open("/proc/self/mountinfo")}
seen = set()
told = set()


def tell(text):
    if text not in told:
        told.add(text)
        print(text, flush=True)


def look(pid):
    status = open(f"/proc/{pid}/status").read()
    name = re.search(r"^Name:\t(.*)", status).group(1)
    if name.startswith("memfd:gantry"):
        seen.add(pid)
    for which in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
        mask = int(re.search(rf"^{which}:\t(.*)", status, re.M).group(1), 16)
        if mask & ~allowed:
            tell(f"{name} has {which} {mask:x}")
    if not may_trace:
        if os.readlink(f"/proc/{pid}/exe").startswith("/memfd:"):
            tell(f"{name} can be looked into")
        return
    for number in os.listdir(f"/proc/{pid}/fd"):
        if int(number) < 3:
            continue
        link = os.readlink(f"/proc/{pid}/fd/{number}")
        info = open(f"/proc/{pid}/fdinfo/{number}").read()
        mount = re.search(r"^mnt_id:\t(\d+)", info, re.M).group(1)
        if link.startswith("/") and mount not in mounts:
            tell(f"{name} has {number}: {link}")


print("ready", flush=True)
while not os.path.exists("/stop"):
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != own:
            try:
                look(int(entry))
            except (FileNotFoundError, ProcessLookupError, PermissionError, OSError):
                pass
print("saw", len(seen), flush=True)
