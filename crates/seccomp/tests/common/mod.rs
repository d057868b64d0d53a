//! What the tests of decisions share: calls, what a program decides on them, what it should decide, random profiles.
#![allow(clippy::unwrap_used)]

pub mod bpf;
pub mod model;
pub mod random;

use seccomp::Architecture;

/// A system call as a filter sees it.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub audit: u32,
    pub number: u32,
    pub arguments: [u64; 6],
}

/// Those whose calls are known.
pub const ARCHITECTURES: [Architecture; 18] = [
    Architecture::X86_64,
    Architecture::X86,
    Architecture::X32,
    Architecture::Aarch64,
    Architecture::Arm,
    Architecture::Riscv64,
    Architecture::S390X,
    Architecture::S390,
    Architecture::Ppc64Le,
    Architecture::Ppc64,
    Architecture::Ppc,
    Architecture::Mips64,
    Architecture::Mips64N32,
    Architecture::Mips,
    Architecture::Mipsel64,
    Architecture::Mipsel64N32,
    Architecture::Mipsel,
    Architecture::Loongarch64,
];
