//! Why a program that is there can't be executed. execve(2) has one errno for many causes; a look at the file tells which: the file
//! itself, the interpreter of a script, the loader of a program, the machine that it is for, the mount that it is on.

use alloc::{
    format,
    string::{String, ToString},
    vec,
};
use core::ffi::CStr;
use rustix::{
    fs::{CWD, Mode, OFlags, StatVfsMountFlags, openat, stat, statvfs},
    io::{Errno, read},
};
use wire::Failure;

/// How much of a file is looked at: the kernel looks at 256 bytes for a script, and the headers of a program are at its start.
const HEAD: usize = 4096;

/// e_machine of elf(5) for this machine.
#[cfg(target_arch = "x86_64")]
const NATIVE: u16 = 62;
#[cfg(target_arch = "aarch64")]
const NATIVE: u16 = 183;

/// The failure to execute `path` with `errno`, as exactly as the file tells.
pub fn diagnose(path: &CStr, errno: Errno) -> Failure {
    let name = path.to_str().unwrap_or_default();
    let because = |step, detail: String| Failure::detailed(step, name, detail, errno.raw_os_error());
    let plain = || Failure::new("exec", name, errno.raw_os_error());
    if stat(path).is_err() {
        return plain();
    }
    if errno == Errno::ACCESS && statvfs(path).is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::NOEXEC)) {
        return because("exec from a mount with noexec", String::new());
    }
    let mut buffer = vec![0; HEAD];
    let Some(head) = head(path, &mut buffer) else { return plain() };
    let program = Elf::of(head);
    match (errno, interpreter(head), program) {
        (_, Some(interpreter), _) if stat(interpreter.as_str()).is_err() || errno == Errno::ACCESS => {
            because("find the interpreter of", interpreter)
        }
        (Errno::NOENT, _, Some(program)) => {
            program.loader().map_or_else(plain, |loader| because("find the loader of", loader))
        }
        (Errno::NOEXEC, None, Some(program)) if program.machine() != Some(NATIVE) => {
            because("exec machine code", program.machine().map_or_else(String::new, machine_name))
        }
        (Errno::NOEXEC, None, None) => because("exec neither program nor script", String::new()),
        _ => plain(),
    }
}

fn head<'a>(path: &CStr, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    // Not blocking: it may be a fifo.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::empty()).ok()?;
    let count = read(&file, &mut *buffer).ok()?;
    buffer.get(..count)
}

/// What the first line of a script names.
fn interpreter(head: &[u8]) -> Option<String> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let mut words = line.split(|byte| matches!(byte, b' ' | b'\t' | 0)).filter(|word| !word.is_empty());
    str::from_utf8(words.next()?).ok().map(ToString::to_string)
}

/// A program as elf(5) describes it, with 64 or 32 bits, either byte first.
struct Elf<'a> {
    bytes: &'a [u8],
    wide: bool,
    big: bool,
}

impl<'a> Elf<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"\x7fELF")?;
        Some(Self { bytes, wide: *rest.first()? == 2, big: *rest.get(1)? == 2 })
    }

    fn machine(&self) -> Option<u16> {
        self.number(18, 2).and_then(|number| u16::try_from(number).ok())
    }

    /// The path in the header of type PT_INTERP.
    fn loader(&self) -> Option<String> {
        const PT_INTERP: u64 = 3;
        let (table, size, count) = if self.wide { ((32, 8), 54, 56) } else { ((28, 4), 42, 44) };
        let (table, size, count) = (self.number(table.0, table.1)?, self.number(size, 2)?, self.number(count, 2)?);
        (0..count).find_map(|index| {
            let header = usize::try_from(table.checked_add(index * size)?).ok()?;
            if self.number(header, 4)? != PT_INTERP {
                return None;
            }
            let (offset, length) = if self.wide {
                (self.number(header.checked_add(8)?, 8)?, self.number(header.checked_add(32)?, 8)?)
            } else {
                (self.number(header.checked_add(4)?, 4)?, self.number(header.checked_add(16)?, 4)?)
            };
            let (offset, length) = (usize::try_from(offset).ok()?, usize::try_from(length).ok()?);
            let text = self.bytes.get(offset..offset.checked_add(length)?)?.split(|byte| *byte == 0).next()?;
            str::from_utf8(text).ok().map(ToString::to_string)
        })
    }

    fn number(&self, at: usize, size: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    }
}

/// The machines that container images are made for.
fn machine_name(number: u16) -> String {
    match number {
        3 => "i386".to_string(),
        8 => "mips".to_string(),
        21 => "ppc64".to_string(),
        22 => "s390x".to_string(),
        40 => "arm".to_string(),
        62 => "x86_64".to_string(),
        183 => "aarch64".to_string(),
        243 => "riscv".to_string(),
        258 => "loongarch".to_string(),
        number => format!("machine {number}"),
    }
}
