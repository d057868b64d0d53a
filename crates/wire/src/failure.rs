//! Why something did not work: the step, the object, the errno. Text for people is made of it once, in TypeScript.

use alloc::string::{String, ToString};
use serde::{Deserialize, Serialize};

/// A failed step of a launch or of another engine operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Failure {
    /// What was being done, in words that complete "cannot …": `mount proc`, `write uid_map`, `find program`.
    pub step: String,
    /// What it was done to: a path, a name, a number. Empty where the step says it all.
    pub object: String,
    /// The errno of the system call that failed (errno(3)); 0 when no system call did.
    pub errno: i32,
    /// What else has to do with it: the interpreter of the object, for example.
    #[serde(default)]
    #[cfg_attr(feature = "typescript", ts(optional = nullable))]
    pub detail: Option<String>,
}

impl Failure {
    pub fn new(step: &str, object: impl ToString, errno: i32) -> Self {
        Self { step: step.to_string(), object: object.to_string(), errno, detail: None }
    }

    pub fn detailed(step: &str, object: impl ToString, detail: String, errno: i32) -> Self {
        Self { detail: Some(detail), ..Self::new(step, object, errno) }
    }
}
