//! Waiting for several descriptors at once.

use rustix::{
    event::{PollFd, Timespec, poll},
    io::{self, Errno},
};

/// Waits until one of the descriptors is ready for what it is polled for, hung up or failing, and says of each whether it is.
/// After `timeout` none is. One that is not of interest now is left out, as poll(2) would report its hang-up without end.
pub fn ready<const N: usize>(interests: [Option<PollFd<'_>>; N], timeout: Option<&Timespec>) -> io::Result<[bool; N]> {
    let mut polled: Vec<PollFd<'_>> = interests.iter().flatten().cloned().collect();
    match poll(&mut polled, timeout) {
        Ok(_) => {}
        Err(Errno::INTR) => return Ok([false; N]),
        Err(errno) => return Err(errno),
    }
    let mut answers = polled.iter().map(|descriptor| !descriptor.revents().is_empty());
    Ok(interests.map(|interest| interest.is_some() && answers.next().unwrap_or(false)))
}
