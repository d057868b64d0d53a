//! The seccomp filter of a launch: the plan's section compiled, ready for init.

use crate::agent;
use rustix::io::Errno;
use seccomp::{Architecture, Instruction, Profile, compile};
use wire::{Failure, plan::Filter};

/// What becomes of a `linux.seccomp` section, as JSON.
pub struct Compiled {
    pub filter: Filter,
    /// Names of calls that this machine's architectures don't have. They were passed over.
    pub unknown: Vec<String>,
    /// Who answers for calls that notify.
    pub agent: Option<agent::Address>,
}

/// Fails with step `compile seccomp`; the object is then a whole sentence that begins with the property.
pub fn compile_section(section: &str) -> Result<Compiled, Failure> {
    let refuse = |field: &str, problem: String| {
        let dot = if field.is_empty() { "" } else { "." };
        Failure::new("compile seccomp", format!("linux.seccomp{dot}{field}: {problem}"), Errno::INVAL.raw_os_error())
    };
    let profile: Profile = serde_json::from_str(section).map_err(|error| refuse("", error.to_string()))?;
    let native =
        Architecture::native().ok_or_else(|| refuse("", "not known on machines of this architecture".to_owned()))?;
    let compiled = compile(&profile, native).map_err(|error| refuse(&error.field, error.problem))?;
    let encode = |one: &Instruction| (one.code, one.jump_true, one.jump_false, one.operand);
    let instructions = compiled.instructions.iter().map(encode).collect();
    let agent = profile.listener_path.filter(|_| compiled.notify);
    Ok(Compiled {
        filter: Filter { instructions, flags: compiled.flags },
        unknown: compiled.unknown,
        agent: agent.map(|path| agent::Address { path, metadata: profile.listener_metadata }),
    })
}
