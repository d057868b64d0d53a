"""A service manager's end of sd_notify(3): binds a datagram socket and prints every message as a line of JSON.

Usage: notify.py SOCKET       (a leading @ means an abstract socket)
A descriptor that is to be stored adds a line to the message, `descriptor` and what can be read from it. All are closed at once, which
is what releases a BARRIER=1.
"""
import json
import os
import socket
import sys

path = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + path[1:] if path.startswith("@") else path)
print("ready", flush=True)
while True:
    data, descriptors, _, _ = socket.recv_fds(listener, 65536, 16)
    text = data.decode()
    for descriptor in descriptors:
        if text.startswith("FDSTORE=1"):
            text += "\ndescriptor " + os.read(descriptor, 4096).decode()
        os.close(descriptor)
    print(json.dumps(text), flush=True)
