//! bpf(2), as much as a cgroup's device filter needs.

use crate::checked;
use rustix::{
    fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    io,
};
use syscalls::{Sysno, syscall};

const BPF_PROG_LOAD: u32 = 5;
const BPF_PROG_ATTACH: u32 = 8;
const BPF_PROG_DETACH: u32 = 9;
const BPF_PROG_GET_FD_BY_ID: u32 = 13;
const BPF_OBJ_GET_INFO_BY_FD: u32 = 15;
const BPF_PROG_QUERY: u32 = 16;
const BPF_PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const BPF_CGROUP_DEVICE: u32 = 6;
const BPF_F_ALLOW_MULTI: u32 = 2;
const BPF_F_REPLACE: u32 = 4;
/// What tells our programs from others that are attached to the same cgroup: systemd's, for one. At most 15 letters.
const NAME: &[u8; 16] = b"gantry_devices\0\0";
/// BPF_CGROUP_MAX_PROGS: a cgroup has no more of a kind.
const MOST_ATTACHED: usize = 64;
/// How often the verifier may be interrupted by a signal before we give up, as in libbpf.
const ATTEMPTS: usize = 5;

/// struct bpf_insn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    pub code: u8,
    /// The destination register in the low four bits, the source register in the high ones (little-endian machines).
    pub registers: u8,
    pub offset: i16,
    pub immediate: i32,
}

/// union bpf_attr. Always passed in full and zeroed: the kernel rejects set bytes that it does not know, and some versions
/// write past the end of a shorter one.
#[repr(C, align(8))]
struct Attributes([u32; 32]);

impl Attributes {
    fn new() -> Self {
        Self([0; 32])
    }

    /// Sets the eight bytes from the 32-bit word `index` on, which must be even.
    fn set_pointer<T>(&mut self, index: usize, pointer: *const T) {
        let bytes = (pointer as u64).to_ne_bytes();
        self.0[index] = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        self.0[index + 1] = u32::from_ne_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
    }

    /// Sets the bytes from the 32-bit word `index` on.
    fn set_bytes(&mut self, index: usize, bytes: &[u8; 16]) {
        for (word, four) in self.0[index..].iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_ne_bytes([four[0], four[1], four[2], four[3]]);
        }
    }
}

/// Loads a program of the type BPF_PROG_TYPE_CGROUP_DEVICE.
///
/// Fails with `EPERM` without CAP_BPF or CAP_SYS_ADMIN in the first user namespace, `EINVAL` or `EACCES` when the verifier
/// refuses the program.
pub fn load_device_filter(program: &[Instruction]) -> io::Result<OwnedFd> {
    let count = u32::try_from(program.len()).map_err(|_| io::Errno::TOOBIG)?;
    let licence = c"Apache-2.0";
    let mut attributes = Attributes::new();
    attributes.0[0] = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.0[1] = count;
    attributes.set_pointer(2, program.as_ptr());
    attributes.set_pointer(4, licence.as_ptr());
    attributes.set_bytes(12, NAME);
    for attempt in 1.. {
        // SAFETY: the attributes are zeroed but for the fields of BPF_PROG_LOAD, and as long as said. They point to `count`
        // instructions, laid out as struct bpf_insn, and to a NUL-terminated string; both outlive the call, which only
        // reads them.
        let loaded = unsafe { bpf(BPF_PROG_LOAD, &mut attributes) };
        match loaded {
            // SAFETY: a successful BPF_PROG_LOAD returns a new descriptor that nobody else owns.
            Ok(number) => return Ok(unsafe { OwnedFd::from_raw_fd(number) }),
            Err(io::Errno::AGAIN) if attempt < ATTEMPTS => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Errno::AGAIN)
}

/// Attaches a device filter to a cgroup v2 directory, beside those that are there: access needs the consent of all.
///
/// `cgroup` must not be opened with O_PATH. The cgroup keeps the program; the descriptor may be closed.
pub fn attach_device_filter(cgroup: BorrowedFd<'_>, filter: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = Attributes::new();
    attributes.0[0] = cgroup.as_raw_fd().cast_unsigned();
    attributes.0[1] = filter.as_raw_fd().cast_unsigned();
    attributes.0[2] = BPF_CGROUP_DEVICE;
    attributes.0[3] = BPF_F_ALLOW_MULTI;
    // SAFETY: the attributes are zeroed but for the fields of BPF_PROG_ATTACH, which are numbers, and as long as said.
    unsafe { bpf(BPF_PROG_ATTACH, &mut attributes) }.map(drop)
}

/// Puts a device filter in the place of another one, which is attached: at no moment is there none, or are there both.
///
/// Needs Linux 5.6. Fails with `ENOENT` when `former` is not attached.
pub fn replace_device_filter(cgroup: BorrowedFd<'_>, filter: BorrowedFd<'_>, former: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = Attributes::new();
    attributes.0[0] = cgroup.as_raw_fd().cast_unsigned();
    attributes.0[1] = filter.as_raw_fd().cast_unsigned();
    attributes.0[2] = BPF_CGROUP_DEVICE;
    attributes.0[3] = BPF_F_ALLOW_MULTI | BPF_F_REPLACE;
    attributes.0[4] = former.as_raw_fd().cast_unsigned();
    // SAFETY: the attributes are zeroed but for the fields of BPF_PROG_ATTACH, which are numbers, and as long as said.
    unsafe { bpf(BPF_PROG_ATTACH, &mut attributes) }.map(drop)
}

/// Takes a device filter off a cgroup.
pub fn detach_device_filter(cgroup: BorrowedFd<'_>, filter: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = Attributes::new();
    attributes.0[0] = cgroup.as_raw_fd().cast_unsigned();
    attributes.0[1] = filter.as_raw_fd().cast_unsigned();
    attributes.0[2] = BPF_CGROUP_DEVICE;
    // SAFETY: the attributes are zeroed but for the fields of BPF_PROG_DETACH, which are numbers, and as long as said.
    unsafe { bpf(BPF_PROG_DETACH, &mut attributes) }.map(drop)
}

/// The device filter that we attached to a cgroup; none where it has only others.
pub fn attached_device_filter(cgroup: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let mut ids = [0_u32; MOST_ATTACHED];
    let mut attributes = Attributes::new();
    attributes.0[0] = cgroup.as_raw_fd().cast_unsigned();
    attributes.0[1] = BPF_CGROUP_DEVICE;
    attributes.set_pointer(4, ids.as_mut_ptr());
    attributes.0[6] = MOST_ATTACHED as u32;
    // SAFETY: the attributes are zeroed but for the fields of BPF_PROG_QUERY, and as long as said. They point to as many
    // numbers as they say, which the call may write.
    unsafe { bpf(BPF_PROG_QUERY, &mut attributes) }?;
    let count = attributes.0[6] as usize;
    for id in ids.iter().take(count) {
        let mut attributes = Attributes::new();
        attributes.0[0] = *id;
        // SAFETY: the attributes are zeroed but for the field of BPF_PROG_GET_FD_BY_ID, a number, and as long as said.
        let number = match unsafe { bpf(BPF_PROG_GET_FD_BY_ID, &mut attributes) } {
            // Detached meanwhile.
            Err(io::Errno::NOENT) => continue,
            other => other?,
        };
        // SAFETY: a successful BPF_PROG_GET_FD_BY_ID returns a new descriptor that nobody else owns.
        let program = unsafe { OwnedFd::from_raw_fd(number) };
        if name_of(&program)? == *NAME {
            return Ok(Some(program));
        }
    }
    Ok(None)
}

/// The name that a program was loaded with.
fn name_of(program: &OwnedFd) -> io::Result<[u8; 16]> {
    /// struct bpf_prog_info up to its name, which is preceded by 64 bytes of other things.
    #[repr(C, align(8))]
    struct Info {
        before: [u8; 64],
        name: [u8; 16],
    }
    let mut info = Info { before: [0; 64], name: [0; 16] };
    let mut attributes = Attributes::new();
    attributes.0[0] = program.as_raw_fd().cast_unsigned();
    attributes.0[1] = size_of::<Info>() as u32;
    attributes.set_pointer(2, &raw mut info);
    // SAFETY: the attributes are zeroed but for the fields of BPF_OBJ_GET_INFO_BY_FD, and as long as said. They point to
    // zeroed memory of the length they say, which the call may write and which may hold any bytes.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attributes) }?;
    Ok(info.name)
}

/// # Safety
/// What `attributes` point to must be valid for `command`, for the length of the call.
unsafe fn bpf(command: u32, attributes: &mut Attributes) -> io::Result<i32> {
    // SAFETY: the caller answers for what the attributes point to; they themselves are ours and as long as said.
    let result = unsafe { syscall!(Sysno::bpf, command, &raw mut *attributes, size_of::<Attributes>()) };
    checked(result).map(|number| number as i32)
}
