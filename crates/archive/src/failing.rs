//! From an error to a Failure that names the entry of the archive.

use rustix::io::Errno;
use std::io;
use wire::Failure;

/// What happens to an entry: `cannot unpack bin/sh: no space left on device`.
pub fn entry(step: &str, name: &[u8], errno: Errno) -> Failure {
    Failure::new(step, text(name), errno.raw_os_error())
}

/// An archive that is damaged, or more than it may be: the reader says how.
pub fn archive(step: &str, error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(errno) => Failure::new(&format!("{step} the archive"), "", errno),
        None => Failure::new(&format!("{step} the archive:"), one_line(&error.to_string()), 0),
    }
}

/// An entry that nobody honest would have made.
pub fn refused(name: &[u8], why: &str) -> Failure {
    Failure::new("unpack", format!("{}, {why}", text(name)), 0)
}

/// For messages, which are one line.
fn text(name: &[u8]) -> String {
    const LONGEST: usize = 200;
    let shown = one_line(&String::from_utf8_lossy(name));
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", shown.get(..end).unwrap_or_default()),
        None => shown,
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '?' } else { one }).collect()
}
