//! Tar archives from and into directories, over pipes that Node has the other ends of: the crate archive. Each takes as long as its pipe
//! takes: a thread of its own.

use crate::line::Line;
use archive::Rules;
use engine::{container_files::Place, verbs};
use napi::Result;
use napi_derive::napi;
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid, chownat, openat},
    io::{self, Errno},
    process::geteuid,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fs::File,
    io::{BufReader, BufWriter},
    thread,
};
use wire::Failure;

#[derive(Deserialize)]
struct Container {
    root: String,
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unpack {
    /// Without one, `path` is this machine's.
    container: Option<Container>,
    path: String,
    layer: bool,
    most_bytes: u64,
    most_entries: u64,
}

#[derive(Deserialize)]
struct Pack {
    container: Container,
    path: String,
}

#[napi]
impl Line {
    /// Unpacks what comes out of a pipe, whose descriptor we take over.
    #[napi]
    pub fn unpack(&self, question: u32, request: String, descriptor: i32) -> Result<()> {
        self.on_own_thread(question, "unpack", descriptor, move |pipe| {
            let Unpack { container, path, layer, most_bytes, most_entries } = read("unpack", &request)?;
            let archive = BufReader::with_capacity(64 << 10, File::from(pipe));
            let rules = |give| Rules { give, layer, most_bytes, most_entries };
            match container {
                Some(Container { root, id }) => {
                    let place = Place::open(&root, &id, &path, true)?;
                    let give = |made: BorrowedFd<'_>, uid, gid| place.give(made, uid, gid);
                    archive::unpack(place.directory.as_fd(), archive, &rules(&give))
                }
                None => {
                    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                    let opened = openat(CWD, path.as_str(), flags, Mode::empty());
                    let directory =
                        opened.map_err(|errno| Failure::new("open directory", &path, errno.raw_os_error()))?;
                    archive::unpack(directory.as_fd(), archive, &rules(&give_here))
                }
            }
        })
    }

    /// Writes the archive of a directory in a container into a pipe, whose descriptor we take over.
    #[napi]
    pub fn pack(&self, question: u32, request: String, descriptor: i32) -> Result<()> {
        self.on_own_thread(question, "pack", descriptor, move |pipe| {
            let Pack { container: Container { root, id }, path } = read("pack", &request)?;
            let place = Place::open(&root, &id, &path, false)?;
            let to = BufWriter::with_capacity(64 << 10, File::from(pipe));
            archive::pack(place.directory.as_fd(), to, &|uid, gid| place.inside(uid, gid))
        })
    }
}

/// To the ids that the archive says, where we may.
fn give_here(made: BorrowedFd<'_>, uid: u32, gid: u32) -> io::Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    chownat(made, c"", Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::EMPTY_PATH)
}

fn read<T: DeserializeOwned>(verb: &str, request: &str) -> std::result::Result<T, Failure> {
    serde_json::from_str(request)
        .map_err(|error| Failure::new("read request", format!("{verb}: {error}"), Errno::INVAL.raw_os_error()))
}

impl Line {
    fn on_own_thread<T: Serialize>(
        &self,
        question: u32,
        verb: &'static str,
        descriptor: i32,
        work: impl FnOnce(OwnedFd) -> std::result::Result<T, Failure> + Send + 'static,
    ) -> Result<()> {
        let pipe = sys::descriptor::adopt(descriptor).map_err(std::io::Error::from)?;
        let done = self.question(question);
        thread::Builder::new()
            .name(format!("gantry {verb}"))
            .spawn(move || done.answer(verbs::done(verb, || work(pipe))))?;
        Ok(())
    }
}
