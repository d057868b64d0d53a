//! What crosses as the numbers of descriptors. Whoever gets one owns it.

use napi::{Result, bindgen_prelude::Buffer};
use napi_derive::napi;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{IntoRawFd, OwnedFd},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{Errno, fcntl_dupfd_cloexec, read, retry_on_intr},
    net::{AddressFamily, SocketFlags, SocketType, socketpair},
    pipe::{PipeFlags, pipe_with},
    termios::{Winsize, tcsetwinsize},
};

/// The two ends of a new pipe, to read from and to write to: pipe2(2) with O_CLOEXEC.
#[napi(ts_return_type = "[read: number, write: number]")]
pub fn pipe() -> Result<Vec<i32>> {
    Ok(numbers(pipe_with(PipeFlags::CLOEXEC).map_err(failed)?))
}

/// The two ends of a non-blocking connection: socketpair(2).
#[napi(ts_return_type = "[one: number, other: number]")]
pub fn connection() -> Result<Vec<i32>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(numbers(socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?))
}

/// Another number for the same thing: fcntl(2), F_DUPFD_CLOEXEC.
#[napi]
pub fn duplicate(descriptor: i32) -> Result<i32> {
    let duplicate = sys::descriptor::borrow(descriptor).and_then(|borrowed| fcntl_dupfd_cloexec(borrowed, 3));
    Ok(duplicate.map_err(failed)?.into_raw_fd())
}

/// Lets reads and writes wait, for whoever has it: fcntl(2), without O_NONBLOCK. What Node has opened as a stream does not, and few
/// programs know how to go on then. One that can't be had is left to whoever uses it.
#[napi]
pub fn make_blocking(descriptor: i32) {
    if let Ok(borrowed) = sys::descriptor::borrow(descriptor)
        && let Ok(flags) = fcntl_getfl(borrowed)
        && flags.contains(OFlags::NONBLOCK)
    {
        let _ = fcntl_setfl(borrowed, flags - OFlags::NONBLOCK);
    }
}

/// Closes what one of the above gave. Node's own close(2) would complain in a worker thread, which did not open it.
#[napi]
pub fn close(descriptor: i32) -> Result<()> {
    Ok(sys::descriptor::adopt(descriptor).map(drop).map_err(failed)?)
}

/// What is in a pipe now, up to `most` bytes: without waiting for more.
#[napi]
pub fn read_pipe(descriptor: i32, most: u32) -> Result<Buffer> {
    let pipe = sys::descriptor::borrow(descriptor).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 << 10];
    while bytes.len() < most as usize {
        let mut waiting = [PollFd::new(&pipe, PollFlags::IN)];
        // Nobody else reads from it: what is there now is there below.
        if poll(&mut waiting, Some(&Timespec::default())).map_err(failed)? == 0 {
            break;
        }
        let room = chunk.len().min(most as usize - bytes.len());
        match retry_on_intr(|| read(pipe, &mut chunk[..room])).map_err(failed)? {
            0 => break,
            length => bytes.extend_from_slice(&chunk[..length]),
        }
    }
    Ok(bytes.into())
}

/// Gives a pty its size, which sends SIGWINCH to its foreground process group.
#[napi]
pub fn resize_terminal(console: i32, columns: u16, rows: u16) -> Result<()> {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(sys::descriptor::borrow(console).and_then(|console| tcsetwinsize(console, size)).map_err(failed)?)
}

fn numbers((one, other): (OwnedFd, OwnedFd)) -> Vec<i32> {
    vec![one.into_raw_fd(), other.into_raw_fd()]
}

fn failed(errno: Errno) -> std::io::Error {
    errno.into()
}
