//! Logs that are no files: the journal of systemd, and syslog(3). One datagram a message.

use crate::{failing::Failing, unix_socket};
use rustix::{
    io,
    net::{SendFlags, SocketType, send},
};
use serde::Deserialize;
use std::collections::BTreeMap;
use wire::Failure;

/// `SystemLog` and `LogMessage` of src/host/host.ts.
#[derive(Debug, Deserialize)]
pub struct ToLog {
    pub service: Service,
    /// Who says it.
    pub identifier: String,
    /// None: only see whether somebody listens.
    pub message: Option<Message>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    Journald,
    Syslog,
}

#[derive(Debug, Deserialize)]
pub struct Message {
    /// Of syslog(3): 0…7.
    pub priority: u8,
    /// One line.
    pub text: String,
    pub fields: BTreeMap<String, String>,
}

/// The facility of syslog(3) for programs of the system.
const DAEMON: u8 = 3;

/// Fails with step `write log` and ENOENT where there is no such service.
pub fn log(request: &ToLog) -> Result<(), Failure> {
    let path = match request.service {
        Service::Journald => "/run/systemd/journal/socket",
        Service::Syslog => "/dev/log",
    };
    deliver(request, path).failing("write log", path)
}

fn deliver(request: &ToLog, path: &str) -> io::Result<()> {
    let socket = unix_socket::connect_to(path, SocketType::DGRAM)?;
    let Some(message) = &request.message else { return Ok(()) };
    let datagram = match request.service {
        Service::Journald => for_journald(&request.identifier, message),
        Service::Syslog => for_syslog(&request.identifier, message),
    };
    io::retry_on_intr(|| send(&socket, datagram.as_bytes(), SendFlags::NOSIGNAL)).map(drop)
}

/// <https://systemd.io/JOURNAL_NATIVE_PROTOCOL>. `ID` is what crun calls the identifier.
fn for_journald(identifier: &str, Message { priority, text, fields }: &Message) -> String {
    let mut lines = format!("MESSAGE={text}\nPRIORITY={priority}\nSYSLOG_IDENTIFIER={identifier}\nID={identifier}\n");
    for (name, value) in fields {
        // A newline would begin a field.
        lines += &format!("GANTRY_{}={}\n", name.to_uppercase(), value.replace('\n', " "));
    }
    lines
}

/// As the C library's syslog(3) writes it, less the time, which the service adds.
fn for_syslog(identifier: &str, Message { priority, text, .. }: &Message) -> String {
    format!("<{}>{identifier}[{}]: {text}", DAEMON << 3 | priority, std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_datagram() {
        let fields =
            BTreeMap::from([("code".to_owned(), "ERR_START".to_owned()), ("path".to_owned(), "/a\nb".to_owned())]);
        let message = Message { priority: 3, text: "no".to_owned(), fields };
        let journald =
            "MESSAGE=no\nPRIORITY=3\nSYSLOG_IDENTIFIER=web\nID=web\nGANTRY_CODE=ERR_START\nGANTRY_PATH=/a b\n";
        assert_eq!(for_journald("web", &message), journald);
        assert_eq!(for_syslog("web", &message), format!("<27>web[{}]: no", std::process::id()));
    }
}
