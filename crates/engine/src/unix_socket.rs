//! Unix sockets that others listen on, by path.

use rustix::{
    fd::{AsRawFd, OwnedFd},
    fs::{Mode, OFlags, open},
    io,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt},
};
use std::time::Duration;

/// How long a peer may leave us waiting: to accept, or to make room for what we send.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Connects to the socket at `path`, which may be longer than the 107 bytes of an address (unix(7)).
///
/// Fails with `EAGAIN` when a listener does not take us in within [`PATIENCE`]; sending does so too.
pub fn connect_to(path: &str, kind: SocketType) -> io::Result<OwnedFd> {
    let file = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    connect_address(&SocketAddrUnix::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?, kind)
}

/// The same for an address.
pub fn connect_address(address: &SocketAddrUnix, kind: SocketType) -> io::Result<OwnedFd> {
    let socket = socket_with(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(PATIENCE))?;
    connect(&socket, address)?;
    Ok(socket)
}
