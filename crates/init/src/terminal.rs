//! The container's terminal: a new pty of its own devpts, or a slave that the caller gave.
//!
//! Nothing is opened by a name that an image could have prepared: the pty multiplexer is checked to be devpts' own, the slave comes
//! from the master (CVE-2025-52565).

use crate::{
    channel::Channel,
    failing::Failing,
    root::{Missing, Root},
    sources::Sources,
};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{FileType, Gid, Mode, OFlags, Uid, fchown, fstat, fstatfs, major, makedev, openat},
    io::{self, Errno},
    process::{ioctl_tiocsctty, setsid},
    stdio::{dup2_stderr, dup2_stdin, dup2_stdout},
    termios::{Winsize, tcsetwinsize},
};
use sys::mount::{attach, clone};
use wire::{Failure, frame::FromInit, plan::Terminal};

const DEVPTS_SUPER_MAGIC: u64 = 0x1cd1;
const PTMX_INODE: u64 = 2;
const FIRST_SLAVE_MAJOR: u32 = 136;
const CONSOLE: &str = "/dev/console";

pub fn set_up(
    root: &Root,
    sources: &mut Sources,
    index: usize,
    terminal: &Terminal,
    channel: &Channel,
) -> Result<(), Failure> {
    const STEP: &str = "set up the terminal";
    let (slave, mount) = if terminal.slave.is_some() {
        let source = sources.claim(index, STEP)?;
        (source.open.ok_or_else(|| Failure::new(STEP, "", Errno::BADF.raw_os_error()))?, Some(source.mount))
    } else {
        let master = open_master(root).failing("open a terminal in", "/dev/pts")?;
        let slave = open_slave(&master).failing("open a terminal in", "/dev/pts")?;
        channel.send_with(&FromInit::Terminal, master.as_fd())?;
        (slave, None)
    };
    fchown(&slave, Some(Uid::from_raw(terminal.uid)), None::<Gid>).failing("change the owner of", "the terminal")?;
    if let (Some(rows), Some(columns)) = (terminal.rows, terminal.columns) {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).failing("set the size of", "the terminal")?;
    }
    if terminal.console {
        let bind = || -> io::Result<()> {
            let mount = match mount {
                Some(mount) => mount,
                None => clone(slave.as_fd(), false)?,
            };
            let (place, _) = root.find_or_make(CONSOLE, Missing::File)?;
            attach(&mount, place)
        };
        bind().failing("bind the terminal on", CONSOLE)?;
    }
    let take = || -> io::Result<()> {
        dup2_stdin(&slave)?;
        dup2_stdout(&slave)?;
        dup2_stderr(&slave)
    };
    take().failing(STEP, "")
}

/// A new session, without the caller's terminal: that can't be reached from it (CVE-2017-5226). With `has_terminal`, the one that
/// our standard streams are controls it.
pub fn begin_session(has_terminal: bool) -> Result<(), Failure> {
    match setsid() {
        // As first process of a PID namespace that somebody else led; then we lead a session already.
        Ok(_) | Err(Errno::PERM) => {}
        Err(errno) => return Err(errno).failing("make a session", ""),
    }
    let [input, ..] = sys::process::standard_streams();
    if has_terminal { ioctl_tiocsctty(input).failing("take control of", "the terminal") } else { Ok(()) }
}

fn open_master(root: &Root) -> io::Result<OwnedFd> {
    let directory = root.find("/dev/pts")?;
    if fstatfs(&directory)?.f_type as u64 != DEVPTS_SUPER_MAGIC {
        return Err(Errno::NODEV);
    }
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let master = openat(&directory, c"ptmx", flags, Mode::empty())?;
    let found = fstat(&master)?;
    let is_ptmx = FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice
        && found.st_rdev == makedev(5, 2)
        && found.st_ino == PTMX_INODE
        && fstatfs(&master)?.f_type as u64 == DEVPTS_SUPER_MAGIC;
    if is_ptmx { Ok(master) } else { Err(Errno::NODEV) }
}

fn open_slave(master: &OwnedFd) -> io::Result<OwnedFd> {
    sys::terminal::unlock(master.as_fd())?;
    let slave = sys::terminal::open_peer(master.as_fd())?;
    let found = fstat(&slave)?;
    if major(found.st_rdev) < FIRST_SLAVE_MAJOR { Err(Errno::NODEV) } else { Ok(slave) }
}
