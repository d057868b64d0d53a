//! A container's terminal in the foreground: its pty, joined to our own standard input and output.
//!
//! Bytes flow both ways through one small buffer each, which is filled only when it is empty: who reads slowly makes the other
//! side wait. Nothing here blocks, so that signals are served meanwhile. Our terminal is in raw mode as long as a [`Terminal`]
//! lives, but for output processing: the container's pty has that off instead, as runc has it.

use crate::failing::Failing;
use rustix::{
    buffer::spare_capacity,
    event::{PollFd, PollFlags},
    fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    fs::{FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, fstat, open},
    io::{self, Errno, read, write},
    stdio::{stderr, stdin, stdout},
    termios::{OptionalActions, OutputModes, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize},
};
use wire::Failure;

/// What is read at once, in bytes, if there is as much.
const CHUNK: usize = 16 << 10;

/// What is written at once to an output that may block: a pipe which is ready takes as much whole (PIPE_BUF).
const WHOLE: usize = 4096;

/// How often output is taken and shown before the caller can look after other things.
const BATCH: usize = 16;

/// How much output is waited for after init is gone, in bytes. More comes only from processes that outlived it.
const LAST_OUTPUT: usize = 1 << 20;

pub struct Terminal {
    /// None once either side has hung up.
    pty: Option<Pty>,
    /// None after its end.
    input: Option<OwnedFd>,
    output: OwnedFd,
    /// How many bytes are written to it at most at once.
    at_once: usize,
    /// Hang up as soon as nobody is at the other end of `output`, not only when something is written.
    watches_output: bool,
    /// Read from `input`, not yet written to the pty.
    typed: Vec<u8>,
    /// Read from the pty, not yet written to `output`.
    shown: Vec<u8>,
    raw: Option<RawMode>,
}

impl Terminal {
    /// Joins the master of a pty, as [`prepare`] has set it up, to our standard streams, and puts our terminal, if standard input is one, into raw mode.
    pub fn join(master: OwnedFd) -> Result<Self, Failure> {
        const STEP: &str = "join the container's terminal to";
        let pty = Pty::new(master).failing(STEP, "ours")?;
        let input = unshared(stdin(), OFlags::RDONLY).ok();
        let output = unshared(stdout(), OFlags::WRONLY).failing(STEP, "standard output")?;
        let mut terminal = Self::new(pty, input, output);
        if isatty(stdin()) {
            terminal.raw = Some(RawMode::set(stdin()).failing(STEP, "standard input")?);
        }
        Ok(terminal)
    }

    /// Joins the master of a pty to a non-blocking socket.
    pub fn join_socket(master: OwnedFd, socket: OwnedFd) -> Result<Self, Failure> {
        const STEP: &str = "join the container's terminal to";
        let pty = Pty::new(master).failing(STEP, "a socket")?;
        let input = io::fcntl_dupfd_cloexec(&socket, 3).failing(STEP, "a socket")?;
        Ok(Self { watches_output: true, ..Self::new(pty, Some(input), socket) })
    }

    fn new(pty: Pty, input: Option<OwnedFd>, output: OwnedFd) -> Self {
        let may_block = fcntl_getfl(&output).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK));
        Self {
            pty: Some(pty),
            input,
            output,
            at_once: if may_block { WHOLE } else { CHUNK },
            watches_output: false,
            typed: Vec::new(),
            shown: Vec::new(),
            raw: None,
        }
    }

    /// What to wait for before [`Terminal::serve`]: our input, the pty, our output.
    pub fn interests(&self) -> [Option<PollFd<'_>>; 3] {
        let input = self.input.as_ref().filter(|_| self.pty.is_some() && self.typed.is_empty());
        let watched = self.watches_output && self.pty.is_some();
        let output = Some(&self.output).filter(|_| watched || !self.shown.is_empty());
        let output_flags = if self.shown.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, self.shown.is_empty());
        flags.set(PollFlags::OUT, !self.typed.is_empty());
        let pty = self.pty.as_ref().filter(|_| !flags.is_empty());
        [
            input.map(|input| PollFd::new(input, PollFlags::IN)),
            pty.map(|pty| PollFd::new(&pty.master, flags)),
            output.map(|output| PollFd::new(output, output_flags)),
        ]
    }

    /// Moves what can be moved, given which of [`Terminal::interests`] are ready.
    pub fn serve(&mut self, [input, pty, output]: [bool; 3]) {
        if output && self.shown.is_empty() {
            // Not asked for, so it is the end of it.
            self.hang_up();
        }
        if input && let Some(from) = &self.input {
            match read_into(&mut self.typed, from.as_fd()) {
                Ok(true) | Err(Errno::AGAIN | Errno::INTR) => {}
                // The end of our input says nothing about that of the container's: its terminal stays.
                Ok(false) | Err(_) => self.input = None,
            }
        }
        if (input || pty)
            && let Some(pty) = &mut self.pty
            && !pty.write(&mut self.typed)
        {
            self.hang_up();
        }
        if output {
            self.show();
        }
        if pty {
            self.take();
        }
    }

    /// Shows what the container writes, until there is no more of it or no room for it. To ask poll(2) again before each read would
    /// be a third of all calls.
    fn take(&mut self) {
        for _ in 0..BATCH {
            match &mut self.pty {
                Some(pty) if self.shown.is_empty() => {
                    if !pty.read(&mut self.shown) {
                        self.hang_up();
                    }
                }
                _ => return,
            }
            if self.shown.is_empty() {
                return;
            }
            self.show();
        }
    }

    /// Gives the pty the size of our terminal, which sends SIGWINCH to its foreground process group.
    pub fn copy_size(&self) {
        if let Some(pty) = &self.pty {
            copy_size(pty.master.as_fd());
        }
    }

    /// After we were stopped and continued: whoever had our terminal meanwhile has set it to its own taste.
    pub fn resume(&self) {
        if let Some(raw) = &self.raw {
            raw.apply();
        }
        self.copy_size();
    }

    /// Takes what the container has written to the end, when init is gone. [`Terminal::is_done`] once it is shown.
    pub fn end(&mut self) {
        let Some(mut pty) = self.pty.take() else { return };
        pty.slave = None;
        let limit = self.shown.len() + LAST_OUTPUT;
        // Till EIO, when nobody has the slave open any more, or EAGAIN, when somebody has. Both come only after all that was
        // written before is read: the kernel looks for what is still on its way first.
        while self.shown.len() < limit && matches!(read_into(&mut self.shown, pty.master.as_fd()), Ok(true)) {}
        self.show();
    }

    pub fn is_done(&self) -> bool {
        self.pty.is_none() && self.shown.is_empty()
    }

    fn show(&mut self) {
        let chunk = self.shown.get(..self.at_once).unwrap_or(&self.shown);
        if chunk.is_empty() {
            return;
        }
        match write(&self.output, chunk) {
            Ok(count) => drop(self.shown.drain(..count)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            // Nobody looks any more: for the container that is what a terminal does that goes away.
            Err(_) => {
                self.shown.clear();
                self.hang_up();
            }
        }
    }

    fn hang_up(&mut self) {
        self.pty = None;
        self.typed.clear();
    }
}

/// Sets a new pty up for the foreground: no carriage returns of its own, and the size of our terminal.
///
/// For before the container's program runs: it may write, or ask for the size, at once.
pub fn prepare(master: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = tcgetattr(master)?;
    attributes.output_modes.remove(OutputModes::ONLCR);
    tcsetattr(master, OptionalActions::Now, &attributes)?;
    copy_size(master);
    Ok(())
}

fn copy_size(master: BorrowedFd<'_>) {
    let ours = [stdin(), stdout(), stderr()].into_iter().find_map(|descriptor| tcgetwinsize(descriptor).ok());
    if let Some(size) = ours {
        // A terminal without a size is still a terminal.
        let _ = tcsetwinsize(master, size);
    }
}

struct Pty {
    master: OwnedFd,
    /// Held open, so that the master does not hang up each time the container has closed its last one (an init system opens and
    /// closes /dev/console all the time).
    slave: Option<OwnedFd>,
}

impl Pty {
    fn new(master: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
        let slave = sys::terminal::open_peer(master.as_fd())?;
        Ok(Self { master, slave: Some(slave) })
    }

    /// False when the pty is of no use any more.
    fn read(&mut self, into: &mut Vec<u8>) -> bool {
        match read_into(into, self.master.as_fd()) {
            Ok(more) => more,
            Err(Errno::AGAIN | Errno::INTR) => true,
            // vhangup(2) in the container has taken our slave too. Whoever opens the terminal next shall be heard.
            Err(Errno::IO) => {
                self.slave = sys::terminal::open_peer(self.master.as_fd()).ok();
                self.slave.is_some()
            }
            Err(_) => false,
        }
    }

    /// False when the pty is of no use any more.
    fn write(&mut self, from: &mut Vec<u8>) -> bool {
        if from.is_empty() {
            return true;
        }
        match write(&self.master, from) {
            Ok(count) => {
                from.drain(..count);
                true
            }
            Err(errno) => matches!(errno, Errno::AGAIN | Errno::INTR),
        }
    }
}

/// Our terminal in raw mode, and as it was before when this is dropped.
struct RawMode {
    terminal: OwnedFd,
    before: Termios,
    raw: Termios,
}

impl RawMode {
    fn set(terminal: BorrowedFd<'_>) -> io::Result<Self> {
        let terminal = io::fcntl_dupfd_cloexec(terminal, 0)?;
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        raw.make_raw();
        raw.output_modes |= before.output_modes & OutputModes::OPOST;
        tcsetattr(&terminal, OptionalActions::Now, &raw)?;
        Ok(Self { terminal, before, raw })
    }

    fn apply(&self) {
        // Fails when the terminal is gone, and then there is nothing to set.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.raw);
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // As in `apply`.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// A descriptor of our own for a standard stream, non-blocking where that can be had. O_NONBLOCK on the stream itself would
/// change it for everybody who shares it, the user's shell among them; so a terminal or pipe is opened once more instead. Others
/// rarely block, and not for long, once poll(2) has said that they are ready.
fn unshared(stream: BorrowedFd<'_>, access: OFlags) -> io::Result<OwnedFd> {
    if isatty(stream) || FileType::from_raw_mode(fstat(stream)?.st_mode) == FileType::Fifo {
        let path = format!("/proc/self/fd/{}", stream.as_raw_fd());
        let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        if let Ok(descriptor) = open(path, flags, Mode::empty()) {
            return Ok(descriptor);
        }
    }
    io::fcntl_dupfd_cloexec(stream, 3)
}

/// Appends what there is, about [`CHUNK`] bytes at most. False at the end of the file.
fn read_into(buffer: &mut Vec<u8>, from: BorrowedFd<'_>) -> io::Result<bool> {
    buffer.reserve(CHUNK);
    Ok(read(from, spare_capacity(buffer))? > 0)
}

#[cfg(test)]
#[path = "terminal_tests.rs"]
mod tests;
