//! The program: where it is, what it gets, and becoming it.

use crate::{diagnosis::diagnose, failing::Failing, root::Root};
use alloc::{
    ffi::CString,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{convert::Infallible, ffi::CStr};
use rustix::{
    fd::OwnedFd,
    fs::{Access, AtFlags, CWD, FileType, OFlags, ResolveFlags, accessat, fstat, stat},
    io::{self, Errno, read},
};
use wire::{Failure, plan::Program};

/// How much of an /etc/passwd is read, in bytes: an image's may be endless.
const MAX_PASSWD: usize = 4 << 20;

const STEP: &str = "find program";

/// A program that is ready to be executed.
pub struct Prepared {
    path: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    listen_pid: bool,
}

/// Finds the program as execvp(3) would, with the rights and the PATH that it will have.
pub fn prepare(program: &Program, root: &Root) -> Result<Prepared, Failure> {
    let name = program.args.first().ok_or_else(|| Failure::new(STEP, "", Errno::INVAL.raw_os_error()))?;
    let path = find(name, &program.env)?;
    let mut environment = strings(&program.env)?;
    if let Some(uid) = program.home_of {
        let home = home(root, uid).unwrap_or_else(|| "/".to_string());
        environment.push(string(&format!("HOME={home}"))?);
    }
    let listen_pid = program.listen_pid;
    Ok(Prepared { path: string(&path)?, arguments: strings(&program.args)?, environment, listen_pid })
}

impl Prepared {
    /// Becomes the program.
    pub fn execute(&mut self) -> Result<Infallible, Failure> {
        if self.listen_pid {
            // Not known before we are in our PID namespace.
            let pid = rustix::process::getpid();
            self.environment.push(string(&format!("LISTEN_PID={pid}"))?);
        }
        let arguments: Vec<&CStr> = self.arguments.iter().map(CString::as_c_str).collect();
        let environment: Vec<&CStr> = self.environment.iter().map(CString::as_c_str).collect();
        sys::process::execute(&self.path, &arguments, &environment).map_err(|errno| diagnose(&self.path, errno))
    }
}

fn find(name: &str, environment: &[String]) -> Result<String, Failure> {
    if name.contains('/') {
        return match executable(name) {
            Err(Errno::ACCESS) => Err(denied(name)?),
            result => result.map(|()| name.to_string()).failing(STEP, name),
        };
    }
    let path = environment.iter().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or_default();
    let mut refused = None;
    for directory in path.split(':') {
        let candidate = if directory.is_empty() { name.to_string() } else { format!("{directory}/{name}") };
        match executable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(Errno::ACCESS) => refused = Some(candidate),
            Err(_) => {}
        }
    }
    match refused {
        Some(candidate) => Err(denied(&candidate)?),
        None => Err(Errno::NOENT).failing(STEP, name),
    }
}

fn denied(path: &str) -> Result<Failure, Failure> {
    Ok(diagnose(&string(path)?, Errno::ACCESS))
}

/// Whether we may execute a file. A directory is `EISDIR`.
fn executable(path: &str) -> io::Result<()> {
    if path.is_empty() {
        return Err(Errno::NOENT);
    }
    if FileType::from_raw_mode(stat(path)?.st_mode) == FileType::Directory {
        return Err(Errno::ISDIR);
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::empty())
}

/// The home directory of a user in the container's /etc/passwd (passwd(5)).
fn home(root: &Root, uid: u32) -> Option<String> {
    // Not blocking: it may be a fifo.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = root.open("/etc/passwd", flags, ResolveFlags::empty()).ok()?;
    if FileType::from_raw_mode(fstat(&file).ok()?.st_mode) != FileType::RegularFile {
        return None;
    }
    let uid = uid.to_string();
    lines(&file).find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let found = fields.nth(2)? == uid.as_bytes();
        let home = fields.nth(2)?;
        (found && !home.is_empty()).then(|| String::from_utf8(home.into()).ok())?
    })
}

/// The lines of a file, up to [`MAX_PASSWD`] bytes, a page in memory at a time; longer lines than a page are passed over.
fn lines(file: &OwnedFd) -> impl Iterator<Item = Vec<u8>> + '_ {
    const PAGE: usize = 4096;
    let mut buffer: Vec<u8> = Vec::with_capacity(2 * PAGE);
    let mut total = 0;
    core::iter::from_fn(move || {
        loop {
            if let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let rest = buffer.split_off(end + 1);
                let mut line = core::mem::replace(&mut buffer, rest);
                line.pop();
                return Some(line);
            }
            if buffer.len() >= PAGE {
                buffer.clear();
            }
            let mut page = [0; PAGE];
            let count = if total < MAX_PASSWD { read(file, &mut page).unwrap_or(0) } else { 0 };
            total += count;
            buffer.extend_from_slice(page.get(..count).unwrap_or_default());
            if count == 0 {
                return if buffer.is_empty() { None } else { Some(core::mem::take(&mut buffer)) };
            }
        }
    })
}

fn strings(list: &[String]) -> Result<Vec<CString>, Failure> {
    list.iter().map(|text| string(text)).collect()
}

fn string(text: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| Failure::new("pass a string with a NUL byte", text, Errno::INVAL.raw_os_error()))
}
