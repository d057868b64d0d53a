//! socketcall(2) and ipc(2): one call number that stands for many calls, chosen by the first argument.
//!
//! Older architectures have them, often beside the calls proper. A filter that knew only those would be passed by.

use crate::profile::{Condition, Operator};

/// The calls that socketcall(2) makes, in the order of their numbers, which start at 1: <linux/net.h>.
const SOCKET: [&str; 20] = [
    "socket",
    "bind",
    "connect",
    "listen",
    "accept",
    "getsockname",
    "getpeername",
    "socketpair",
    "send",
    "recv",
    "sendto",
    "recvfrom",
    "shutdown",
    "setsockopt",
    "getsockopt",
    "sendmsg",
    "recvmsg",
    "accept4",
    "recvmmsg",
    "sendmmsg",
];

/// The calls that ipc(2) makes, with their numbers: <linux/ipc.h>.
const IPC: [(&str, u64); 12] = [
    ("semop", 1),
    ("semget", 2),
    ("semctl", 3),
    ("semtimedop", 4),
    ("msgsnd", 11),
    ("msgrcv", 12),
    ("msgget", 13),
    ("msgctl", 14),
    ("shmat", 21),
    ("shmdt", 22),
    ("shmget", 23),
    ("shmctl", 24),
];

/// Each call that can be made through another one: its name, the other's, and the condition that tells it there.
pub(crate) fn multiplexed() -> impl Iterator<Item = (&'static str, &'static str, Condition)> {
    // The kernel reads an int, and the upper 16 bits of ipc's are a version.
    let chosen = |mask, number| Condition { index: 0, value: mask, value_two: number, op: Operator::MaskedEqual };
    let socket =
        SOCKET.into_iter().zip(1..).map(move |(name, number)| (name, "socketcall", chosen(0xffff_ffff, number)));
    socket.chain(IPC.into_iter().map(move |(name, number)| (name, "ipc", chosen(0xffff, number))))
}
