"""A caller's end of --console-socket: gets a pty master over a unix socket, as containerd's shim and conmon do.

Usage: console.py SOCKET [INPUT]
Prints "ready" when it listens, "message LENGTH DESCRIPTORS" for the message that comes, and then what the terminal shows.
INPUT is typed into the terminal first.
"""
import os
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(sys.argv[1])
listener.listen(1)
print("ready", flush=True)
connection, _ = listener.accept()
data, descriptors, _, _ = socket.recv_fds(connection, 4096, 16)
print("message", len(data), len(descriptors), flush=True)
master = descriptors[0]
if len(sys.argv) > 2:
    os.write(master, sys.argv[2].encode())
while True:
    try:
        output = os.read(master, 4096)
    except OSError:
        break
    if not output:
        break
    os.write(1, output)
