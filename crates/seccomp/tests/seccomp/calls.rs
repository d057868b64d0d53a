//! System calls to decide on.

use crate::random::Random;
use seccomp::{Architecture, calls};

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

/// Every call of each architecture that a kernel of this one runs, numbers without a call, all with several arguments.
pub fn every_call(native: Architecture, random: &mut Random) -> Vec<Call> {
    let interesting =
        [0, 1, 2, 3, 8, 16, 38, 40, 0x20000, 0x20008, 0x1_0000_0000, 0x7e02_0000, 0x1_0001_0000, 0xffff_ffff];
    let mut all = Vec::new();
    for architecture in ARCHITECTURES.into_iter().filter(|one| one.runs_on(native)) {
        let first = calls(architecture).unwrap().map(|(_, number)| number).min().unwrap();
        for number in (first..first + 520).chain([0x3fff_ffff, 0x4000_0000, u32::MAX]) {
            for _ in 0..4 {
                let arguments = [0u64; 6].map(|_| random.pick(&interesting));
                all.push(Call { audit: architecture.audit(), number, arguments });
            }
        }
    }
    all
}
