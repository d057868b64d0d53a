//! The tables of calls against the lists of the crate `syscalls`.

use crate::calls::ARCHITECTURES;
use seccomp::{Architecture, calls};
use std::collections::HashMap;

/// The numbers of an architecture's calls that the crate lists.
macro_rules! listed {
    ($module:ident) => {
        (0..6000)
            .filter_map(syscalls::$module::Sysno::new)
            .map(|call| (call.name(), call.id().cast_unsigned()))
            .collect()
    };
}

fn listed(architecture: Architecture) -> Option<HashMap<&'static str, u32>> {
    Some(match architecture {
        Architecture::X86 => listed!(x86),
        Architecture::X86_64 => listed!(x86_64),
        Architecture::Arm => listed!(arm),
        Architecture::Aarch64 => listed!(aarch64),
        Architecture::Riscv64 => listed!(riscv64),
        Architecture::Loongarch64 => listed!(loongarch64),
        Architecture::S390X => listed!(s390x),
        Architecture::Ppc => listed!(powerpc),
        Architecture::Ppc64 => listed!(powerpc64),
        Architecture::Mips => listed!(mips),
        Architecture::Mips64 => listed!(mips64),
        _ => return None,
    })
}

#[test]
fn numbers_are_those_of_the_crate() {
    let mut compared = 0;
    for architecture in ARCHITECTURES {
        let ours: HashMap<_, _> = calls(architecture).unwrap().collect();
        for (name, number) in listed(architecture).unwrap_or_default() {
            // A word of Rust.
            let name = name.trim_start_matches("r#");
            // The crate has names there that no 64-bit kernel has.
            let is_generic = matches!(architecture, Architecture::Aarch64 | Architecture::Loongarch64);
            let is_wrong = is_generic && (name == "fstatat" || (403..=423).contains(&number));
            if !is_wrong && !name.starts_with("unused") && !name.starts_with("reserved") {
                assert_eq!(ours.get(name), Some(&number), "{name} of {architecture:?}");
                compared += 1;
            }
        }
    }
    assert!(compared > 4000, "{compared}");
}

#[test]
fn no_name_and_no_number_is_there_twice() {
    for architecture in ARCHITECTURES {
        let names: HashMap<_, _> = calls(architecture).unwrap().collect();
        let numbers: HashMap<_, _> = calls(architecture).unwrap().map(|(name, number)| (number, name)).collect();
        assert_eq!(names.len(), calls(architecture).unwrap().count(), "{architecture:?}");
        assert_eq!(numbers.len(), names.len(), "{architecture:?}");
    }
}
