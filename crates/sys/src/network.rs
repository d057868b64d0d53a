//! Network interfaces: what a new network namespace needs.

use crate::checked;
use rustix::{
    fd::AsRawFd,
    io,
    net::{AddressFamily, SocketFlags, SocketType, socket_with},
};
use syscalls::{Sysno, syscall};

const SIOCGIFFLAGS: u32 = 0x8913;
const SIOCSIFFLAGS: u32 = 0x8914;
const IFF_UP: i16 = 1;

/// struct ifreq with the member that carries flags (netdevice(7)).
#[repr(C)]
struct InterfaceFlags {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

/// Sets the loopback interface of this network namespace up: netdevice(7).
pub fn set_loopback_up() -> io::Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let mut request = InterfaceFlags { name: [0; 16], flags: 0, rest: [0; 22] };
    request.name[..2].copy_from_slice(b"lo");
    // SAFETY: both requests take a struct ifreq (40 bytes on 64-bit), which `request` is and which outlives the calls.
    checked(unsafe { syscall!(Sysno::ioctl, socket.as_raw_fd(), SIOCGIFFLAGS, &raw mut request) })?;
    request.flags |= IFF_UP;
    // SAFETY: as above.
    checked(unsafe { syscall!(Sysno::ioctl, socket.as_raw_fd(), SIOCSIFFLAGS, &raw mut request) }).map(drop)
}
