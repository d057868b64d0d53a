//! Which calls an architecture has, and their numbers.
//!
//! One small text per ABI in `tables/`, in the order of the numbers. Lists of calls in crates lack the second ABIs of an
//! architecture (x32, n32, 31-bit s390), and looking a name up there is slow.

use crate::architecture::{Architecture, X32_BIT};

/// All calls of an architecture, with the numbers that a filter sees; `None` if they aren't known here.
pub fn calls(architecture: Architecture) -> Option<impl Iterator<Item = (&'static str, u32)>> {
    let (first, text) = table(architecture)?;
    let words = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_ascii_whitespace);
    let mut next = first;
    Some(words.filter_map(move |word| {
        if let Ok(number) = word.parse::<u32>() {
            next = first + number;
            return None;
        }
        next += 1;
        Some((word, next - 1))
    }))
}

/// What is added to each number of the text, and the text.
fn table(architecture: Architecture) -> Option<(u32, &'static str)> {
    Some(match architecture {
        Architecture::X86 => (0, include_str!("../tables/x86.txt")),
        Architecture::X86_64 => (0, include_str!("../tables/x86_64.txt")),
        Architecture::X32 => (X32_BIT, include_str!("../tables/x32.txt")),
        Architecture::Arm => (0, include_str!("../tables/arm.txt")),
        Architecture::Aarch64 => (0, include_str!("../tables/aarch64.txt")),
        Architecture::Mips | Architecture::Mipsel => (4000, include_str!("../tables/mips.txt")),
        Architecture::Mips64 | Architecture::Mipsel64 => (5000, include_str!("../tables/mips64.txt")),
        Architecture::Mips64N32 | Architecture::Mipsel64N32 => (6000, include_str!("../tables/mips64n32.txt")),
        Architecture::Ppc => (0, include_str!("../tables/powerpc.txt")),
        Architecture::Ppc64 | Architecture::Ppc64Le => (0, include_str!("../tables/powerpc64.txt")),
        Architecture::S390 => (0, include_str!("../tables/s390.txt")),
        Architecture::S390X => (0, include_str!("../tables/s390x.txt")),
        Architecture::Riscv64 => (0, include_str!("../tables/riscv64.txt")),
        Architecture::Loongarch64 => (0, include_str!("../tables/loongarch64.txt")),
        Architecture::Parisc | Architecture::Parisc64 | Architecture::M68k | Architecture::Sh | Architecture::Sheb => {
            return None;
        }
    })
}
