"""A caller's end of --pidfd-socket: gets a pidfd over a unix socket and tells which process it is of.

Usage: pidfd.py SOCKET
Prints "ready" when it listens, then "pid N".
"""
import re
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(sys.argv[1])
listener.listen(1)
print("ready", flush=True)
connection, _ = listener.accept()
_, descriptors, _, _ = socket.recv_fds(connection, 4096, 16)
with open(f"/proc/self/fdinfo/{descriptors[0]}") as info:
    print("pid", re.search(r"^Pid:\s*(\d+)", info.read(), re.M)[1], flush=True)
