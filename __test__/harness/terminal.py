"""Runs a command on a new pseudo-terminal, as a terminal emulator does, and prints what the terminal shows.

Usage: terminal.py [--size ROWSxCOLUMNS] [--type TEXT] [--resize ROWSxCOLUMNS] [--slave] COMMAND...
TEXT is typed as soon as the word "ready" is shown; --resize changes the size then.
With --slave the command does not get the terminal: every argument SLAVE becomes the path of the pty slave.
Ends with the command's status, and says so on standard error, with "restored" or "changed" for the terminal's modes.
"""
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios

arguments = sys.argv[1:]
options = {}
while arguments[0].startswith("--"):
    name = arguments.pop(0)
    options[name] = True if name == "--slave" else arguments.pop(0)


def set_size(descriptor, text):
    rows, columns = map(int, text.split("x"))
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


master, slave = pty.openpty()
if "--size" in options:
    set_size(master, options["--size"])
modes = termios.tcgetattr(slave)
path = os.ttyname(slave)


def take_terminal():
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(slave, number)


if "--slave" in options:
    command = subprocess.Popen([path if word == "SLAVE" else word for word in arguments])
else:
    command = subprocess.Popen(arguments, preexec_fn=take_terminal, pass_fds=[slave])

shown = b""
told = False
while True:
    ended = command.poll() is not None
    readable, _, _ = select.select([master], [], [], 0.02)
    if readable:
        output = os.read(master, 4096)
        shown += output
        os.write(1, output)
    elif ended:
        break
    if not told and b"ready" in shown:
        told = True
        if "--resize" in options:
            set_size(master, options["--resize"])
        if "--type" in options:
            os.write(master, options["--type"].encode())
print("status", command.returncode, "restored" if termios.tcgetattr(slave) == modes else "changed", file=sys.stderr)
sys.exit(command.returncode if command.returncode >= 0 else 128 - command.returncode)
