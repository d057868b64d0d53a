//! The channel between engine and init: one stream socket, frames of a length and a postcard body.
//!
//! ```text
//! [ engine ]                               [ init ]
//! Plan(InitPlan)                ->
//!                               <-         MapIds            only with a new user namespace
//! IdsMapped                     ->
//!                               <-         SetTimeOffsets    only with a new time namespace that has offsets
//! TimeOffsetsSet                ->
//!                               <-         MoveNetDevices    only with interfaces to be moved into the network namespace
//! NetDevicesMoved               ->
//!                               <-         Forked            with a pidfd: the process that goes on; only if it had to fork
//!                               <-         Mounted           the root is mounted; only with hooks of the host
//! HooksRun                      ->
//!                               <-         HooksRun          only with hooks of its own before the root is entered
//!                               <-         Terminal          with the pty master; only with a new terminal
//! Commit                        ->                           the record is on disk: from here init outlives the engine
//!                               <-         Ready             waits for `start` on the gate; only with a gate
//!                               <-         AgentWanted       only with a seccomp filter that notifies
//! AgentReady                    ->                           the seccomp agent is connected to
//!                               <-         Exec              the next thing is execve; end of file then means that it worked
//!                               <-         Listener          with the descriptor of its notifications; only with such a filter
//!                               <-         Done              in place of all that follows Plan, from a helper that only changes a container
//!                               <-         Failed(Failure)   at any moment, and then init is gone
//! ```
//! End of file before `Commit` makes init exit: a dead engine leaves no half-made container behind.
//! Over the gate, `start` sends the byte [`START`] and goes on from `Ready` on in the same frames.

use crate::{Failure, plan::InitPlan};
use alloc::{vec, vec::Vec};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What `start` writes to the gate.
pub const START: u8 = b'S';

/// The largest frame body that is read, in bytes. A config.json is limited to 16 MiB; its plan is no larger.
pub const MAX_FRAME: usize = 32 << 20;

/// The bytes before a body: its length, little-endian.
pub const HEADER: usize = 4;

/// `P` is the plan: borrowed where it is sent, owned where it is received.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToInit<P = InitPlan> {
    Plan(P),
    IdsMapped,
    TimeOffsetsSet,
    NetDevicesMoved,
    HooksRun,
    Commit,
    AgentReady,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromInit {
    MapIds,
    SetTimeOffsets,
    MoveNetDevices,
    Forked,
    Mounted,
    HooksRun,
    Terminal,
    Ready,
    Exec,
    AgentWanted,
    Listener,
    Done,
    Failed(Failure),
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// A frame: header and body.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, Malformed> {
    let mut bytes = postcard::to_extend(message, Vec::from([0; HEADER])).map_err(|_| Malformed)?;
    let length = bytes.len() - HEADER;
    if length > MAX_FRAME {
        return Err(Malformed);
    }
    let header = u32::try_from(length).map_err(|_| Malformed)?.to_le_bytes();
    bytes[..HEADER].copy_from_slice(&header);
    Ok(bytes)
}

/// The length of the body that follows `header`; at most [`MAX_FRAME`].
pub fn body_length(header: [u8; HEADER]) -> Result<usize, Malformed> {
    match u32::from_le_bytes(header) as usize {
        length if length <= MAX_FRAME => Ok(length),
        _ => Err(Malformed),
    }
}

/// Reads a message: `fill` fills a buffer with the next bytes. What is no frame is the error `malformed`.
pub fn read<T: DeserializeOwned, E>(mut fill: impl FnMut(&mut [u8]) -> Result<(), E>, malformed: E) -> Result<T, E> {
    let mut header = [0; HEADER];
    fill(&mut header)?;
    let Ok(length) = body_length(header) else { return Err(malformed) };
    let mut body = vec![0; length];
    fill(&mut body)?;
    decode(&body).map_err(|_| malformed)
}

/// The message in `body`. Bytes left over are an error: the two ends would disagree on what was said.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(Malformed),
    }
}
