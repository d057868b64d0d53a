"""A seccomp agent: gets the notifications of a container over a unix socket, and answers them.

Usage: seccomp-agent.py SOCKET ERRNO NUMBER...       (takes the place of one that was there before)
Prints "ready" when it listens, the container process state that comes as a line of JSON, the number of descriptors that came with
it, "closed" when the connection has come to its end with nothing more, and the number of each call. Calls of the given numbers fail
with ERRNO, all others go on.
"""
import fcntl
import os
import socket
import struct
import sys
import threading

RECEIVE = 0xC0502100
SEND = 0xC0182101
CONTINUE = 1
NOTIFICATION = struct.Struct("=QIIiIQ6Q")
RESPONSE = struct.Struct("=QqiI")


def say(*words):
    """One write: two threads have something to say."""
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


errno = int(sys.argv[2])
refused = [int(number) for number in sys.argv[3:]]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
listener.bind(sys.argv[1])
listener.listen(1)
say("ready")
connection, _ = listener.accept()
data, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 16)
say(data.decode())
say("descriptors", len(descriptors))


def await_end():
    if connection.recv(1) == b"":
        say("closed")


threading.Thread(target=await_end, daemon=True).start()
while True:
    try:
        notification = bytearray(NOTIFICATION.size)
        fcntl.ioctl(descriptors[0], RECEIVE, notification)
        identity, _, _, number, *_ = NOTIFICATION.unpack(notification)
        say("call", number)
        if number in refused:
            answer = RESPONSE.pack(identity, 0, -errno, 0)
        else:
            answer = RESPONSE.pack(identity, 0, 0, CONTINUE)
        fcntl.ioctl(descriptors[0], SEND, answer)
    except OSError:
        # The last one that could have called is gone.
        break
