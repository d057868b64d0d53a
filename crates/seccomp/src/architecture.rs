//! The architectures of the specification: their names, and what a filter must know of each.

use serde::{Deserialize, Serialize};

/// An entry of `architectures`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Architecture {
    #[serde(rename = "SCMP_ARCH_X86")]
    X86,
    #[serde(rename = "SCMP_ARCH_X86_64")]
    X86_64,
    #[serde(rename = "SCMP_ARCH_X32")]
    X32,
    #[serde(rename = "SCMP_ARCH_ARM")]
    Arm,
    #[serde(rename = "SCMP_ARCH_AARCH64")]
    Aarch64,
    #[serde(rename = "SCMP_ARCH_MIPS")]
    Mips,
    #[serde(rename = "SCMP_ARCH_MIPS64")]
    Mips64,
    #[serde(rename = "SCMP_ARCH_MIPS64N32")]
    Mips64N32,
    #[serde(rename = "SCMP_ARCH_MIPSEL")]
    Mipsel,
    #[serde(rename = "SCMP_ARCH_MIPSEL64")]
    Mipsel64,
    #[serde(rename = "SCMP_ARCH_MIPSEL64N32")]
    Mipsel64N32,
    #[serde(rename = "SCMP_ARCH_PPC")]
    Ppc,
    #[serde(rename = "SCMP_ARCH_PPC64")]
    Ppc64,
    #[serde(rename = "SCMP_ARCH_PPC64LE")]
    Ppc64Le,
    #[serde(rename = "SCMP_ARCH_S390")]
    S390,
    #[serde(rename = "SCMP_ARCH_S390X")]
    S390X,
    #[serde(rename = "SCMP_ARCH_PARISC")]
    Parisc,
    #[serde(rename = "SCMP_ARCH_PARISC64")]
    Parisc64,
    #[serde(rename = "SCMP_ARCH_RISCV64")]
    Riscv64,
    #[serde(rename = "SCMP_ARCH_LOONGARCH64")]
    Loongarch64,
    #[serde(rename = "SCMP_ARCH_M68K")]
    M68k,
    #[serde(rename = "SCMP_ARCH_SH")]
    Sh,
    #[serde(rename = "SCMP_ARCH_SHEB")]
    Sheb,
}

use Architecture::*;

/// x32 calls are those of x86_64's AUDIT_ARCH with this bit in their numbers.
pub(crate) const X32_BIT: u32 = 0x4000_0000;

const LITTLE_ENDIAN: u32 = 0x4000_0000;
const WIDE: u32 = 0x8000_0000;
const MIPS_N32: u32 = 0x2000_0000;

impl Architecture {
    /// The one that this code is compiled for, where it is one of those.
    pub const fn native() -> Option<Self> {
        Some(if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
            X86_64
        } else if cfg!(target_arch = "x86_64") {
            X32
        } else if cfg!(target_arch = "x86") {
            X86
        } else if cfg!(target_arch = "aarch64") {
            Aarch64
        } else if cfg!(target_arch = "arm") {
            Arm
        } else if cfg!(target_arch = "riscv64") {
            Riscv64
        } else if cfg!(target_arch = "s390x") {
            S390X
        } else if cfg!(all(target_arch = "powerpc64", target_endian = "little")) {
            Ppc64Le
        } else if cfg!(target_arch = "powerpc64") {
            Ppc64
        } else if cfg!(target_arch = "powerpc") {
            Ppc
        } else if cfg!(target_arch = "loongarch64") {
            Loongarch64
        } else if cfg!(all(target_arch = "mips64", target_endian = "little")) {
            Mipsel64
        } else if cfg!(target_arch = "mips64") {
            Mips64
        } else if cfg!(all(target_arch = "mips", target_endian = "little")) {
            Mipsel
        } else if cfg!(target_arch = "mips") {
            Mips
        } else {
            return None;
        })
    }

    /// AUDIT_ARCH_* of <linux/audit.h>: the ELF machine number and flags. What the kernel tells a filter.
    pub const fn audit(self) -> u32 {
        match self {
            X86 => 3 | LITTLE_ENDIAN,
            X86_64 | X32 => 62 | LITTLE_ENDIAN | WIDE,
            Arm => 40 | LITTLE_ENDIAN,
            Aarch64 => 183 | LITTLE_ENDIAN | WIDE,
            Mips => 8,
            Mips64 => 8 | WIDE,
            Mips64N32 => 8 | WIDE | MIPS_N32,
            Mipsel => 8 | LITTLE_ENDIAN,
            Mipsel64 => 8 | LITTLE_ENDIAN | WIDE,
            Mipsel64N32 => 8 | LITTLE_ENDIAN | WIDE | MIPS_N32,
            Ppc => 20,
            Ppc64 => 21 | WIDE,
            Ppc64Le => 21 | LITTLE_ENDIAN | WIDE,
            S390 => 22,
            S390X => 22 | WIDE,
            Parisc => 15,
            Parisc64 => 15 | WIDE,
            Riscv64 => 243 | LITTLE_ENDIAN | WIDE,
            Loongarch64 => 258 | LITTLE_ENDIAN | WIDE,
            M68k => 4,
            Sh => 42 | LITTLE_ENDIAN,
            Sheb => 42,
        }
    }

    /// Whether its longs have 64 bits. Else arguments are compared by their low 32 bits, as libseccomp does.
    pub(crate) const fn is_wide(self) -> bool {
        !matches!(self, X32 | Mips64N32 | Mipsel64N32) && self.audit() & WIDE != 0
    }

    /// Whether the high half of a 64-bit argument comes first.
    pub const fn is_big_endian(self) -> bool {
        self.audit() & LITTLE_ENDIAN == 0
    }

    /// Whether a kernel of the architecture `native` can run its programs.
    pub fn runs_on(self, native: Self) -> bool {
        self.family() == native.family()
    }

    /// The widest of those that one kernel runs.
    const fn family(self) -> Self {
        match self {
            X86 | X86_64 | X32 => X86_64,
            Arm | Aarch64 => Aarch64,
            Mips | Mips64 | Mips64N32 => Mips64,
            Mipsel | Mipsel64 | Mipsel64N32 => Mipsel64,
            Ppc | Ppc64 => Ppc64,
            S390 | S390X => S390X,
            Parisc | Parisc64 => Parisc64,
            Ppc64Le | Riscv64 | Loongarch64 | M68k | Sh | Sheb => self,
        }
    }

    /// `ENOSYS`, which MIPS numbers in its own way.
    pub(crate) fn enosys(self) -> u32 {
        if matches!(self.family(), Mips64 | Mipsel64) { 89 } else { 38 }
    }
}
