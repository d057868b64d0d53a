"""Runs a command as a subreaper (PR_SET_CHILD_SUBREAPER): what containerd's shim and conmon are to a runtime.

Usage: subreaper.py [--keep-zombies] COMMAND...
Prints "command STATUS" when the command has ended, then "child PID STATUS" for every orphan that it left, as each ends.
With --keep-zombies it waits for nobody but the command, until it is killed.
"""
import ctypes
import os
import subprocess
import sys
import time

PR_SET_CHILD_SUBREAPER = 36

arguments = sys.argv[1:]
keep_zombies = arguments[0] == "--keep-zombies"
if keep_zombies:
    arguments.pop(0)
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
print("command", subprocess.run(arguments).returncode, flush=True)
while keep_zombies:
    time.sleep(60)
while True:
    try:
        pid, status = os.wait()
    except ChildProcessError:
        break
    print("child", pid, os.waitstatus_to_exitcode(status), flush=True)
