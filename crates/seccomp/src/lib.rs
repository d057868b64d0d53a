//! From the `linux.seccomp` section of a runtime-spec configuration to the program that seccomp(2) takes.
//!
//! Pure: no system call, no file. [`compile`] goes through three stages, each a module: `decision` turns the rules into what
//! happens for each call number of each architecture, `search` lays these out as ranges of numbers with one outcome and a
//! balanced search over them, `assembler` makes BPF of it. `profile` has the section's types; `architecture` and `table`
//! what is known of architectures and their calls.
//!
//! # What a filter decides
//!
//! A call of an architecture that is neither native nor listed kills the thread, as with libseccomp; so does a call with
//! x32's bit where x32 isn't listed. Otherwise, for a call that rules name:
//!
//! - A rule with the default action has no effect (as in runc).
//! - A rule without conditions goes before those with conditions; of several, the first.
//! - Then the first rule goes all of whose conditions hold. A rule with two conditions on one argument stands for a rule
//!   per condition.
//! - Else the default action.
//!
//! Where the default action refuses calls, a call with a higher number than any that the profile names returns `ENOSYS`:
//! it is newer than the profile, and libraries then fall back to an older call, which they don't on `EPERM` (runc's rule).
//!
//! Arguments of 32-bit ABIs are compared by their low 32 bits. The calls that socketcall(2) and ipc(2) also make follow the
//! rules of the calls that they stand for; conditions can't be seen there, so a rule with some applies to them only if it is
//! stricter than the default action, and then to each such call.
//!
//! Only instructions that the kernel's cache of allowed calls (Linux 5.11) can follow come before a verdict on the number
//! alone, so that calls allowed without conditions don't run the filter at all.
#![forbid(unsafe_code)]

mod architecture;
mod assembler;
mod decision;
mod filter;
mod multiplex;
mod profile;
mod search;
mod table;

pub use architecture::Architecture;
pub use assembler::Instruction;
pub use filter::{Error, Filter, compile, flag};
pub use profile::{Action, Condition, Flag, Operator, Profile, Rule};
pub use table::calls;
