"""Listens on a unix datagram socket, as the journal and syslog do.

Usage: datagram.py SOCKET COUNT COMMAND...
Runs the command, and prints the first COUNT datagrams, each as JSON on a line.
"""
import json
import os
import socket
import subprocess
import sys

path, count = sys.argv[1], int(sys.argv[2])
os.makedirs(os.path.dirname(path), exist_ok=True)
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(path)
listener.settimeout(20)
command = subprocess.Popen(sys.argv[3:])
for _ in range(count):
    print(json.dumps(listener.recv(65536).decode()), flush=True)
sys.exit(command.wait())
