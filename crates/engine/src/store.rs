//! The directory of a container below the root of all of them: its lock, its record, its removal.
//!
//! Everything is reached through descriptors of the two directories and never through a symbolic link. The lock is an
//! flock(2) on the container's directory, so that it dies with its holder; whoever changes something holds it.

use crate::{failing::Failing, record::Record};
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{self, AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags, RenameFlags},
    io::{self, Errno},
};
use std::{
    ffi::{CStr, CString},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};
use wire::{
    Failure,
    frame::{self, HEADER},
    plan::Filter,
};

/// The socket on which the init of a created container waits for `start`.
pub const GATE_SOCKET: &str = "gate.sock";

/// The configuration that the container was made from.
const CONFIG: &str = "config.json";
/// Written next.
const SPARE_CONFIG: &str = "config.spare.json";
/// Its seccomp filter, compiled.
const FILTER: &str = "seccomp.filter";
const RECORD: &str = "record.json";
/// Written next; holds the record before the last one meanwhile.
const SPARE_RECORD: &str = "record.spare.json";
/// In bytes. A config.json, and so its annotations, is at most 16 MiB.
const MAX_RECORD: usize = 32 << 20;
/// How long somebody else's lock is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How deep removal goes down at a time.
const MAX_DEPTH: usize = 16;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A configuration that is written, but not yet that of the container.
#[must_use]
pub struct NewConfig<'a> {
    container: &'a ContainerDir,
}

impl NewConfig<'_> {
    /// Makes it so: readers see the old one or the new one.
    pub fn keep(self) -> Result<(), Failure> {
        let directory = &self.container.directory;
        fs::renameat(directory, SPARE_CONFIG, directory, CONFIG).failing("save", CONFIG)
    }
}

impl Drop for NewConfig<'_> {
    fn drop(&mut self) {
        // It is not there any more when it was kept.
        let _ = fs::unlinkat(&self.container.directory, SPARE_CONFIG, AtFlags::empty());
    }
}

/// An open container directory.
#[derive(Debug)]
pub struct ContainerDir {
    root: OwnedFd,
    directory: OwnedFd,
    id: String,
    path: PathBuf,
}

impl ContainerDir {
    /// Makes the directory of a new container, and the root if that is missing, and locks it.
    ///
    /// Fails with step `create container` and EEXIST when there is one of this id.
    pub fn create(root: &str, id: &str) -> Result<Self, Failure> {
        check_id(id)?;
        make_root(Path::new(root)).failing("create directory", root)?;
        let root_directory = open_root(root).failing("open directory", root)?;
        loop {
            fs::mkdirat(&root_directory, id, Mode::from_raw_mode(0o711)).failing("create container", id)?;
            match lock_new(&root_directory, id) {
                Ok(Some(directory)) => {
                    let path = Path::new(root).join(id);
                    return Ok(Self { root: root_directory, directory, id: id.to_owned(), path });
                }
                // A `delete` came first.
                Ok(None) => {}
                Err(error) => {
                    // Empty as it is, it would only be in the way of the next attempt.
                    let _ = fs::unlinkat(&root_directory, id, AtFlags::REMOVEDIR);
                    return Err(error).failing("create container", id);
                }
            }
        }
    }

    /// Opens a container's directory. Fails with step `find container` and ENOENT where there is none.
    pub fn open(root: &str, id: &str) -> Result<Self, Failure> {
        check_id(id)?;
        let none = |errno| if matches!(errno, Errno::NOTDIR | Errno::LOOP) { Errno::NOENT } else { errno };
        let root_directory = open_root(root).map_err(none).failing("find container", id)?;
        let directory =
            fs::openat(&root_directory, id, DIRECTORY, Mode::empty()).map_err(none).failing("find container", id)?;
        Ok(Self { root: root_directory, directory, id: id.to_owned(), path: Path::new(root).join(id) })
    }

    /// Opens a container's directory and locks it. Another's lock is waited for, at most 10 s; then the failure is `lock
    /// container` with EBUSY. The lock is let go when the value is dropped.
    pub fn open_locked(root: &str, id: &str) -> Result<Self, Failure> {
        Self::open_with_lock(root, id, FlockOperation::NonBlockingLockExclusive)
    }

    /// Opens a container's directory for something that must not meet a change of the container halfway: waits as
    /// [`Self::open_locked`] does, but any number of these go on at the same time.
    pub fn open_shared(root: &str, id: &str) -> Result<Self, Failure> {
        Self::open_with_lock(root, id, FlockOperation::NonBlockingLockShared)
    }

    fn open_with_lock(root: &str, id: &str, operation: FlockOperation) -> Result<Self, Failure> {
        let container = Self::open(root, id)?;
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_micros(200);
        while !container.try_lock(operation)? {
            if Instant::now() >= deadline {
                return Err(Errno::BUSY).failing("lock container", id);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        if is_linked(&container.root, id, &container.directory).failing("find container", id)? {
            Ok(container)
        } else {
            Err(Errno::NOENT).failing("find container", id)
        }
    }

    /// Whether somebody else holds the lock: a command is at work on the container.
    /// (An `exec` is none: it changes nothing.)
    pub fn is_locked(&self) -> Result<bool, Failure> {
        if !self.try_lock(FlockOperation::NonBlockingLockShared)? {
            return Ok(true);
        }
        fs::flock(&self.directory, FlockOperation::Unlock).failing("lock container", &self.id)?;
        Ok(false)
    }

    /// Whether the container still has this directory: it has not been deleted meanwhile.
    pub fn is_there(&self) -> bool {
        is_linked(&self.root, &self.id, &self.directory).unwrap_or(false)
    }

    /// Replaces the record at once: readers see the old one or the new one. Only for the holder of the lock.
    ///
    /// There is no fsync(2): a record tells of processes, and no crash that loses a written file leaves them running.
    pub fn write_record(&self, record: &Record) -> Result<(), Failure> {
        self.replace_record(&record.to_json()?).failing("write record", &self.id)
    }

    /// Saves the configuration. Only for the holder of the lock.
    pub fn write_config(&self, text: &str) -> Result<(), Failure> {
        self.write_new(CONFIG, text.as_bytes()).failing("save", CONFIG)
    }

    /// The saved configuration.
    pub fn read_config(&self) -> Result<Vec<u8>, Failure> {
        self.read_bytes(CONFIG).failing("read", CONFIG)
    }

    /// Saves another configuration in place of the one that is there, once that is asked for. Only for the holder of the lock.
    pub fn replace_config(&self, text: &str) -> Result<NewConfig<'_>, Failure> {
        self.write_new(SPARE_CONFIG, text.as_bytes()).failing("save", CONFIG)?;
        Ok(NewConfig { container: self })
    }

    /// Saves the seccomp filter. Only for the holder of the lock.
    pub fn write_filter(&self, filter: &Filter) -> Result<(), Failure> {
        let bytes = frame::encode(filter).map_err(|_| Errno::MSGSIZE).failing("save", FILTER)?;
        self.write_new(FILTER, &bytes).failing("save", FILTER)
    }

    /// The seccomp filter. Fails where there is none: what has asked for one must not run without.
    pub fn read_filter(&self) -> Result<Filter, Failure> {
        let bytes = self.read_bytes(FILTER).failing("read", FILTER)?;
        frame::decode(bytes.get(HEADER..).unwrap_or_default()).map_err(|_| Errno::BADMSG).failing("read", FILTER)
    }

    /// Reads the record. Fails with step `find container` and ENOENT when none was written yet, with step `read record` and
    /// EPROTO or EBADMSG when it is not one that this program writes.
    pub fn read_record(&self) -> Result<Record, Failure> {
        match self.read_bytes(RECORD) {
            Err(Errno::NOENT) => Err(Errno::NOENT).failing("find container", &self.id),
            json => Record::from_json(&self.id, &json.failing("read record", &self.id)?),
        }
    }

    /// What there is of the record and of the one before, whatever state they are in: the newer one first.
    pub(crate) fn read_remains(&self) -> [Vec<u8>; 2] {
        [RECORD, SPARE_RECORD].map(|name| self.read_bytes(name).unwrap_or_default())
    }

    fn read_bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        // Not blocking: the file might be a FIFO.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = fs::openat(&self.directory, name, flags, Mode::empty())?;
        let mut json = Vec::with_capacity(4096);
        while io::retry_on_intr(|| io::read(&file, rustix::buffer::spare_capacity(&mut json)))? > 0 {
            if json.len() > MAX_RECORD {
                return Err(Errno::FBIG);
            }
            json.reserve(4096);
        }
        Ok(json)
    }

    /// Removes the directory and all in it. May be stopped anywhere and done again. Only for the holder of the lock.
    pub fn remove(self) -> Result<(), Failure> {
        empty(&self.directory).failing("remove directory of container", &self.id)?;
        match fs::unlinkat(&self.root, &self.id, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error).failing("remove directory of container", &self.id),
        }
    }

    /// The directory, for what else is kept in it.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Where the directory is, for messages and for those that take only a path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    fn try_lock(&self, operation: FlockOperation) -> Result<bool, Failure> {
        match io::retry_on_intr(|| fs::flock(&self.directory, operation)) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error).failing("lock container", &self.id),
        }
    }

    fn write_new(&self, name: &str, mut rest: &[u8]) -> io::Result<()> {
        // Truncated, not exclusive: a killed command may have left one.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&self.directory, name, flags, Mode::from_raw_mode(0o600))?;
        while !rest.is_empty() {
            let written = io::retry_on_intr(|| io::write(&file, rest))?;
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn replace_record(&self, json: &[u8]) -> io::Result<()> {
        self.write_new(SPARE_RECORD, json)?;
        // The one before stays beside it: `delete --force` looks there when this one gets damaged.
        match fs::renameat_with(&self.directory, SPARE_RECORD, &self.directory, RECORD, RenameFlags::EXCHANGE) {
            Err(Errno::NOENT | Errno::INVAL) => fs::renameat(&self.directory, SPARE_RECORD, &self.directory, RECORD),
            result => result,
        }
    }
}

/// The ids below a root, sorted; none where the root is missing. What is not a directory is not ours.
pub fn ids(root: &str) -> Result<Option<Vec<String>>, Failure> {
    let directory = match open_root(root) {
        Err(Errno::NOENT) => return Ok(None),
        other => other.failing("list containers of", root)?,
    };
    let mut ids = Vec::new();
    for entry in Dir::read_from(&directory).failing("list containers of", root)? {
        let entry = entry.failing("list containers of", root)?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        let is_directory = match entry.file_type() {
            FileType::Unknown => fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory),
            kind => kind == FileType::Directory,
        };
        if is_directory && check_id(name).is_ok() {
            ids.push(name.to_owned());
        }
    }
    ids.sort_unstable();
    Ok(Some(ids))
}

/// An id is one component of a path. Which of those a user may choose is decided where ids are read.
fn check_id(id: &str) -> Result<(), Failure> {
    if matches!(id, "" | "." | "..") || id.contains(['/', '\0']) || id.len() > 255 {
        return Err(Errno::INVAL).failing("use container id", id);
    }
    Ok(())
}

/// The root is the user's choice, and may be reached through links.
fn open_root(root: &str) -> io::Result<OwnedFd> {
    fs::openat(CWD, root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Makes the root, for us alone, and what is missing above it. A user's own is likely below XDG_RUNTIME_DIR, where the sticky bit
/// keeps it from being cleaned up (basedir-spec).
fn make_root(root: &Path) -> io::Result<()> {
    let sticky = if rustix::process::getuid().is_root() { 0 } else { 0o1000 };
    match fs::mkdirat(CWD, root, Mode::from_raw_mode(0o700 | sticky)) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(Errno::NOENT) => {
            let above = root.parent().filter(|above| !above.as_os_str().is_empty()).ok_or(Errno::NOENT)?;
            make_root(above)?;
            match fs::mkdirat(CWD, root, Mode::from_raw_mode(0o700 | sticky)) {
                Err(Errno::EXIST) => Ok(()),
                other => other,
            }
        }
        Err(error) => Err(error),
    }
}

/// Opens and locks a directory that was just made; none when it is gone already.
fn lock_new(root: &OwnedFd, id: &str) -> io::Result<Option<OwnedFd>> {
    let directory = match fs::openat(root, id, DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        other => other?,
    };
    io::retry_on_intr(|| fs::flock(&directory, FlockOperation::LockExclusive))?;
    if !is_linked(root, id, &directory)? {
        return Ok(None);
    }
    // Whatever the umask: the container's user has to pass to reach a socket in it.
    fs::fchmod(&directory, Mode::from_raw_mode(0o711))?;
    Ok(Some(directory))
}

/// Whether `id` still names the directory that we hold.
fn is_linked(root: &OwnedFd, id: &str, directory: &OwnedFd) -> io::Result<bool> {
    let ours = fs::fstat(directory)?;
    match fs::statat(root, id, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(named) => Ok((named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes all that a directory holds. A container may have put things below it, as deep as it likes: what is deeper than
/// [`MAX_DEPTH`] is first moved up.
pub(crate) fn empty(top: &OwnedFd) -> io::Result<()> {
    let mut moved = 0;
    while empty_below(top, top, MAX_DEPTH, &mut moved)? {}
    Ok(())
}

/// Returns whether there was anything to remove.
fn empty_below(top: &OwnedFd, directory: &OwnedFd, depth: usize, moved: &mut u64) -> io::Result<bool> {
    let mut names: Vec<(CString, FileType)> = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push((entry.file_name().to_owned(), entry.file_type()));
        }
    }
    for (name, kind) in &names {
        let flags = if *kind == FileType::Directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        match fs::unlinkat(directory, name, flags) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) if depth == 0 => {
                move_up(directory, name, top, moved)?;
            }
            Err(Errno::ISDIR | Errno::NOTEMPTY | Errno::EXIST) => {
                let below = fs::openat(directory, name, DIRECTORY, Mode::empty())?;
                while empty_below(top, &below, depth - 1, moved)? {}
                fs::unlinkat(directory, name, AtFlags::REMOVEDIR)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(!names.is_empty())
}

/// Moves a directory to the top under a free name. An earlier removal that was stopped may have left such names.
fn move_up(directory: &OwnedFd, name: &CStr, top: &OwnedFd, moved: &mut u64) -> io::Result<()> {
    loop {
        *moved += 1;
        match fs::renameat_with(directory, name, top, format!(".moved-{moved}"), RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            other => return other,
        }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
