//! Files in a container, for its owner: every path is resolved inside the container's root, by the kernel, in the container's own mounts.
//!
//! The root is that of the container's init, through /proc. What is done is done with the ids of the container's root, so that files
//! get its owner and not ours, and with no more rights on them than it has.

use crate::{
    container_ids::{Identity, Ids},
    failing::Failing,
    store,
    store::ContainerDir,
    verbs,
};
use rustix::{
    fd::{BorrowedFd, IntoRawFd, OwnedFd},
    fs::{
        self as fs, AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, fcntl_getfl, fcntl_setfl,
        fstat, mkdirat, openat, openat2, readlinkat, renameat_with, symlinkat, unlinkat,
    },
    io::{self, Errno},
};
use serde::{Deserialize, Serialize};
use wire::Failure;

/// openat2(2) gives EAGAIN when something is renamed meanwhile; a program in the container can do that for ever.
const MAX_TRIES: usize = 128;

#[derive(Deserialize)]
pub struct Request {
    root: String,
    id: String,
    operation: Operation,
}

/// Paths start at the container's root, whether or not they begin with a slash.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Operation {
    /// A regular file, or a directory where it is not written to.
    Open {
        path: String,
        write: bool,
        append: bool,
        exclusive: bool,
        mode: u32,
    },
    MakeDirectory {
        path: String,
        mode: u32,
        recursive: bool,
    },
    List {
        path: String,
    },
    Remove {
        path: String,
        recursive: bool,
    },
    Rename {
        from: String,
        to: String,
    },
    MakeLink {
        target: String,
        path: String,
    },
    ReadLink {
        path: String,
    },
    Stat {
        path: String,
        follow: bool,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    /// The caller's to close.
    Descriptor(i32),
    Entries(Vec<Entry>),
    Text(String),
    Status(Status),
    Done,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct Status {
    kind: &'static str,
    mode: u32,
    size: u64,
    uid: u32,
    gid: u32,
    /// Seconds since 1970.
    mtime: i64,
}

/// Carries an operation out. An answer as verbs give it.
pub fn operate(request: &str) -> String {
    verbs::guarded("file", || {
        let Request { root, id, operation } = serde_json::from_str(request)
            .map_err(|error| Failure::new("read request", format!("file: {error}"), Errno::INVAL.raw_os_error()))?;
        let outcome = Files::open(&root, &id)?.operate(&operation)?;
        serde_json::to_string(&serde_json::json!({ "ok": outcome }))
            .map_err(|_| Failure::new("write answer", "", Errno::INVAL.raw_os_error()))
    })
}

/// The directory at a path in a container, made if it is missing where that is wanted; and this thread as the container's root.
pub struct Place {
    pub directory: OwnedFd,
    identity: Identity,
}

impl Place {
    pub fn open(root: &str, id: &str, path: &str, make: bool) -> Result<Self, Failure> {
        let files = Files::open(root, id)?;
        if make {
            files.make_directory(path, Mode::from_raw_mode(0o755), true).failing("mkdir", path)?;
        }
        let directory = files.resolve(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).failing("open", path)?;
        Ok(Self { directory, identity: files.identity })
    }

    /// Gives what the container's root has made to ids of the container.
    pub fn give(&self, made: BorrowedFd<'_>, uid: u32, gid: u32) -> io::Result<()> {
        self.identity.give(made, uid, gid)
    }

    /// What ids of files here are in the container.
    pub fn inside(&self, uid: u32, gid: u32) -> (u32, u32) {
        self.identity.ids.inside(uid, gid)
    }
}

struct Files {
    root: OwnedFd,
    identity: Identity,
}

impl Files {
    fn open(root: &str, id: &str) -> Result<Self, Failure> {
        const STEP: &str = "look into container";
        let init = ContainerDir::open(root, id)?.read_record()?.init;
        let gone = || Failure::new(STEP, id, Errno::SRCH.raw_os_error());
        let init = init.ok_or_else(gone)?;
        // Held until the root is open: the pid can't be another process's by then.
        let pidfd = init.open()?.ok_or_else(gone)?;
        let process = format!("/proc/{}", init.pid);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = openat(CWD, format!("{process}/root"), flags, Mode::empty()).failing(STEP, id)?;
        let ids = Ids::of(&process);
        drop(pidfd);
        Ok(Self { root, identity: Identity::assume(ids) })
    }

    fn operate(&self, operation: &Operation) -> Result<Outcome, Failure> {
        let done = |()| Outcome::Done;
        match operation {
            Operation::Open { path, write, append, exclusive, mode } => {
                let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
                if *write {
                    flags |= OFlags::WRONLY | OFlags::CREATE;
                    flags |= if *append { OFlags::APPEND } else { OFlags::TRUNC };
                    flags.set(OFlags::EXCL, *exclusive);
                }
                let mode = if *write { Mode::from_raw_mode(mode & 0o777) } else { Mode::empty() };
                let file =
                    self.resolve(path, flags, mode).and_then(|file| plain(file, *write)).failing("open", path)?;
                Ok(Outcome::Descriptor(file.into_raw_fd()))
            }
            Operation::MakeDirectory { path, mode, recursive } => self
                .make_directory(path, Mode::from_raw_mode(mode & 0o777), *recursive)
                .failing("mkdir", path)
                .map(done),
            Operation::List { path } => {
                let list =
                    || self.resolve(path, OFlags::DIRECTORY, Mode::empty()).and_then(|directory| entries(&directory));
                list().failing("list", path).map(Outcome::Entries)
            }
            Operation::Remove { path, recursive } => self.remove(path, *recursive).failing("remove", path).map(done),
            Operation::Rename { from, to } => {
                let rename = || {
                    let ((old, old_name), (new, new_name)) = (self.parent(from)?, self.parent(to)?);
                    renameat_with(old, old_name, new, new_name, RenameFlags::empty())
                };
                rename().failing("rename", from).map(done)
            }
            Operation::MakeLink { target, path } => {
                let link = || self.parent(path).and_then(|(parent, name)| symlinkat(target.as_str(), parent, name));
                link().failing("symlink", path).map(done)
            }
            Operation::ReadLink { path } => {
                let read = || self.parent(path).and_then(|(parent, name)| readlinkat(parent, name, Vec::new()));
                let target = read().failing("readlink", path)?;
                Ok(Outcome::Text(target.to_string_lossy().into_owned()))
            }
            Operation::Stat { path, follow } => {
                let flags = if *follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
                let found = self.resolve(path, flags, Mode::empty()).and_then(fstat).failing("stat", path)?;
                let size = u64::try_from(found.st_size).unwrap_or(0);
                Ok(Outcome::Status(Status {
                    kind: kind_of(FileType::from_raw_mode(found.st_mode)),
                    mode: found.st_mode,
                    size,
                    uid: found.st_uid,
                    gid: found.st_gid,
                    mtime: found.st_mtime,
                }))
            }
        }
    }

    /// Links are followed inside the root, those of procfs never.
    fn resolve(&self, path: &str, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let path = if path.is_empty() { "/" } else { path };
        for _ in 0..MAX_TRIES {
            match openat2(&self.root, path, flags | OFlags::CLOEXEC, mode, resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }

    /// The directory that a path's last component is in.
    fn parent<'a>(&self, path: &'a str) -> io::Result<(OwnedFd, &'a str)> {
        let path = path.trim_end_matches('/');
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if matches!(name, "" | "." | "..") {
            return Err(Errno::INVAL);
        }
        self.resolve(parent, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).map(|directory| (directory, name))
    }

    fn make_directory(&self, path: &str, mode: Mode, recursive: bool) -> io::Result<()> {
        if !recursive {
            let (parent, name) = self.parent(path)?;
            return mkdirat(parent, name, mode);
        }
        let mut above = String::new();
        for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
            above.push('/');
            above.push_str(part);
            let Ok((parent, name)) = self.parent(&above) else { continue };
            match mkdirat(parent, name, mode) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => {
                    // A read-only file system says so even where there is nothing to make.
                    self.resolve(&above, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).map_err(|_| errno)?;
                }
            }
        }
        self.resolve(path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).map(drop)
    }

    fn remove(&self, path: &str, recursive: bool) -> io::Result<()> {
        let (parent, name) = self.parent(path)?;
        match unlinkat(&parent, name, AtFlags::empty()) {
            Err(Errno::ISDIR) if recursive => {}
            other => return other,
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        store::empty(&openat(&parent, name, flags, Mode::empty())?)?;
        unlinkat(&parent, name, AtFlags::REMOVEDIR)
    }
}

/// A file that reading and writing does not wait for: no FIFO, device or socket.
fn plain(file: OwnedFd, write: bool) -> io::Result<OwnedFd> {
    match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile => {}
        FileType::Directory if !write => {}
        _ => return Err(Errno::INVAL),
    }
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

/// Names that are no UTF-8 can't be asked for in JavaScript: they are an error, not left out.
fn entries(directory: &OwnedFd) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_str().map_err(|_| Errno::ILSEQ)?.to_owned();
        if !matches!(name.as_str(), "." | "..") {
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    FileType::from_raw_mode(fs::statat(directory, name.as_str(), AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
                }
                kind => kind,
            };
            entries.push(Entry { name, kind: kind_of(kind) });
        }
    }
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

fn kind_of(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "file",
        FileType::Directory => "directory",
        FileType::Symlink => "link",
        _ => "special",
    }
}
