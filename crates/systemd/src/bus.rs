//! A connection to a message bus that makes calls and waits for what they bring: no threads, no callbacks, and a deadline.
//! The encoding of values is zbus's; the rest is <https://dbus.freedesktop.org/doc/dbus-specification.html>.

use rustix::{io::Errno, process::geteuid};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::VecDeque,
    env,
    io::{self, BufReader, Read, Write},
    os::{linux::net::SocketAddrExt, unix::net},
    time::{Duration, Instant},
};
use wire::Failure;
use zbus::{
    ObjectPath, Signature, Type, Variant,
    wire::{
        LE,
        serialized::{Context, Data},
        to_bytes,
    },
};

const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// No message for us is nearly as long, in bytes.
const LONGEST: usize = 1 << 20;

/// What a message is: its type, and the codes of its header fields.
const CALL: u8 = 1;
const RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

type Header<'a> = (u8, u8, u8, u8, u32, u32, Vec<(u8, Variant<'a>)>);

/// A method call.
pub struct Call {
    destination: &'static str,
    path: &'static str,
    member: &'static str,
    signature: Signature,
    body: Vec<u8>,
}

impl Call {
    /// Of systemd's manager.
    pub fn manager<T: Serialize + Type>(member: &'static str, arguments: &T) -> Result<Self, Failure> {
        Self::new("org.freedesktop.systemd1", "/org/freedesktop/systemd1", member, arguments)
    }

    /// Of the bus itself.
    pub fn bus<T: Serialize + Type>(member: &'static str, arguments: &T) -> Result<Self, Failure> {
        Self::new("org.freedesktop.DBus", "/org/freedesktop/DBus", member, arguments)
    }

    fn new<T: Serialize + Type>(
        destination: &'static str,
        path: &'static str,
        member: &'static str,
        arguments: &T,
    ) -> Result<Self, Failure> {
        Ok(Self { destination, path, member, signature: T::SIGNATURE.clone(), body: encode(arguments)? })
    }

    fn encode(&self, serial: u32) -> Result<Vec<u8>, Failure> {
        let interface = match self.destination {
            "org.freedesktop.systemd1" => "org.freedesktop.systemd1.Manager",
            same => same,
        };
        let fields: Vec<(u8, Variant<'_>)> = vec![
            (PATH, ObjectPath::try_from(self.path).map_err(|_| protocol(self.path))?.into()),
            (DESTINATION, self.destination.into()),
            (INTERFACE, interface.into()),
            (MEMBER, self.member.into()),
        ];
        let length = u32::try_from(self.body.len()).map_err(|_| protocol(self.member))?;
        let header: Header<'_> = (b'l', CALL, 0, 1, length, serial, fields);
        let mut message = encode(&header)?;
        if !self.body.is_empty() {
            add_signature(&mut message, &self.signature);
        }
        message.resize(message.len().next_multiple_of(8), 0);
        message.extend_from_slice(&self.body);
        Ok(message)
    }
}

/// A message that came: a reply, an error or a signal.
pub struct Reply {
    kind: u8,
    member: String,
    error: String,
    /// The serial of the call that it answers.
    answers: u32,
    body: Vec<u8>,
}

impl Reply {
    /// What it brings.
    pub fn body<T: DeserializeOwned + Type>(&self) -> Result<T, Failure> {
        let data = Data::new(&self.body[..], Context::new(LE, 0));
        data.deserialize().map(|(value, _)| value).map_err(|_| protocol(&self.member))
    }
}

/// What a call was answered with instead of a reply.
#[derive(Debug)]
pub struct Refusal {
    name: String,
    message: String,
}

impl Refusal {
    /// As the failure of a step for a unit.
    pub fn failure(self, step: &str, unit: &str) -> Failure {
        let errno = match self.name.rsplit('.').next() {
            Some("UnitExists") => Errno::EXIST.raw_os_error(),
            Some("NoSuchUnit") => Errno::NOENT.raw_os_error(),
            Some("AccessDenied" | "InteractiveAuthorizationRequired") => Errno::ACCESS.raw_os_error(),
            Some("InvalidArgs" | "PropertyReadOnly" | "UnknownProperty") => Errno::INVAL.raw_os_error(),
            _ => 0,
        };
        Failure::new(step, format!("{unit} ({})", self.message.trim_end_matches('.')), errno)
    }
}

pub struct Bus {
    stream: BufReader<net::UnixStream>,
    address: String,
    deadline: Instant,
    serial: u32,
    /// Signals that came before they were asked for.
    signals: VecDeque<Reply>,
}

impl Bus {
    /// Connects to the system's bus or to the user's. All that is done with it has to be done within `patience`.
    pub fn connect(user: bool, patience: Duration) -> Result<Self, Failure> {
        Self::connect_to(if user { user_bus() } else { system_bus() }, patience)
    }

    fn connect_to(address: String, patience: Duration) -> Result<Self, Failure> {
        let stream = open(&address).map_err(|error| failed(&address, &error))?;
        let deadline = Instant::now() + patience;
        let mut bus = Self { stream: BufReader::new(stream), address, deadline, serial: 0, signals: VecDeque::new() };
        // In one go, as systemd's own programs do it. The bus sees who we are: in a user namespace we would tell it another uid.
        bus.write(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")?;
        let hello = bus.send(&Call::bus("Hello", &())?)?;
        for expected in ["DATA", "OK"] {
            let line = bus.read_line()?;
            if !line.starts_with(expected) {
                return Err(Failure::new("log in to", &bus.address, Errno::ACCESS.raw_os_error()));
            }
        }
        bus.reply(hello)?.map_err(|refusal| refusal.failure("log in to", &bus.address))?;
        Ok(bus)
    }

    /// Sends a call and gives its serial, without waiting.
    pub fn send(&mut self, call: &Call) -> Result<u32, Failure> {
        self.serial += 1;
        let message = call.encode(self.serial)?;
        self.write(&message)?;
        Ok(self.serial)
    }

    /// Waits for what answers a call. Errors of other calls are passed over: what they were to bring is missed later.
    pub fn reply(&mut self, serial: u32) -> Result<Result<Reply, Refusal>, Failure> {
        loop {
            let message = self.receive()?;
            match message.kind {
                RETURN if message.answers == serial => return Ok(Ok(message)),
                ERROR if message.answers == serial => {
                    // A text, as a rule.
                    let text = message.body::<String>().unwrap_or_default();
                    let text = if text.is_empty() { message.error.clone() } else { text };
                    return Ok(Err(Refusal { name: message.error, message: text }));
                }
                SIGNAL => self.signals.push_back(message),
                _ => {}
            }
        }
    }

    /// Waits for the next signal of that name.
    pub fn signal(&mut self, member: &str) -> Result<Reply, Failure> {
        loop {
            let message = match self.signals.pop_front() {
                Some(signal) => signal,
                None => self.receive()?,
            };
            if message.kind == SIGNAL && message.member == member {
                return Ok(message);
            }
        }
    }

    fn receive(&mut self) -> Result<Reply, Failure> {
        // Up to the length of the array of fields: the fixed part.
        let mut header = self.read(16)?;
        let number = |at: usize| {
            let bytes = header.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).unwrap_or_default();
            u32::from_le_bytes(bytes) as usize
        };
        let (body, fields) = (number(4), number(12));
        if header.first() != Some(&b'l') || body > LONGEST || fields > LONGEST {
            return Err(protocol(&self.address));
        }
        header.extend(self.read(fields.next_multiple_of(8))?);
        let body = self.read(body)?;
        let data = Data::new(&header[..], Context::new(LE, 0));
        let (_, kind, _, _, _, _, fields): Header<'_> = data.deserialize().map_err(|_| protocol(&self.address))?.0;
        let mut message = Reply { kind, member: String::new(), error: String::new(), answers: 0, body };
        for (code, value) in &fields {
            match (*code, value) {
                (MEMBER, Variant::Str(name)) => message.member = name.to_string(),
                (ERROR_NAME, Variant::Str(name)) => message.error = name.to_string(),
                (REPLY_SERIAL, Variant::U32(serial)) => message.answers = *serial,
                _ => {}
            }
        }
        Ok(message)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let left = self.left()?;
        let stream = self.stream.get_mut();
        let result = stream.set_write_timeout(Some(left)).and_then(|()| stream.write_all(bytes));
        result.map_err(|error| failed(&self.address, &error))
    }

    fn read(&mut self, length: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let left = self.left()?;
            let result = self.stream.get_ref().set_read_timeout(Some(left)).and_then(|()| self.stream.read(rest));
            match result {
                Ok(0) => return Err(Failure::new("hear from", &self.address, Errno::CONNRESET.raw_os_error())),
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(&self.address, &error)),
            }
        }
        Ok(bytes)
    }

    fn read_line(&mut self) -> Result<String, Failure> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            if line.len() > LONGEST {
                return Err(protocol(&self.address));
            }
            line.extend(self.read(1)?);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// The time that is left, which is never none: the system takes 0 for no limit.
    fn left(&self) -> Result<Duration, Failure> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) { Err(timed_out(&self.address)) } else { Ok(left) }
    }
}

/// Adds the header field that says of which types the body is. By hand, because the arguments of a call are no structure, and
/// zbus's encoding of a signature puts what is several values in parentheses.
fn add_signature(header: &mut Vec<u8>, signature: &Signature) {
    let text = signature.to_string_no_parens();
    header.resize(header.len().next_multiple_of(8), 0);
    // A variant of type g: a length, the text, a zero.
    header.extend([SIGNATURE, 1, b'g', 0, u8::try_from(text.len()).unwrap_or(u8::MAX)]);
    header.extend(text.as_bytes());
    header.push(0);
    let fields = u32::try_from(header.len() - 16).unwrap_or(u32::MAX);
    header.splice(12..16, fields.to_le_bytes());
}

fn encode<T: Serialize + Type>(value: &T) -> Result<Vec<u8>, Failure> {
    let data = to_bytes(Context::new(LE, 0), value).map_err(|_| protocol("a message"))?;
    Ok(data.bytes().to_vec())
}

/// Where the buses are: <https://dbus.freedesktop.org/doc/dbus-specification.html#message-bus-types>.
fn system_bus() -> String {
    variable("DBUS_SYSTEM_BUS_ADDRESS").unwrap_or_else(|| format!("unix:path={SYSTEM_BUS}"))
}

fn user_bus() -> String {
    let default = || {
        let directory = variable("XDG_RUNTIME_DIR").unwrap_or_else(|| format!("/run/user/{}", geteuid().as_raw()));
        format!("unix:path={directory}/bus")
    };
    variable("DBUS_SESSION_BUS_ADDRESS").unwrap_or_else(default)
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Connects to the first address of a list that is a socket: `unix:path=/run/bus,guid=…;…`.
fn open(addresses: &str) -> io::Result<net::UnixStream> {
    let mut last = io::Error::from(io::ErrorKind::Unsupported);
    for parameters in addresses.split(';').filter_map(|address| address.strip_prefix("unix:")) {
        let value = |name: &str| parameters.split(',').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
        let address = match (value("path"), value("abstract")) {
            (Some(path), _) => net::SocketAddr::from_pathname(unescape(path)),
            (None, Some(name)) => net::SocketAddr::from_abstract_name(unescape(name)),
            (None, None) => continue,
        };
        match address.and_then(|address| net::UnixStream::connect_addr(&address)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// `%20` stands for a space.
fn unescape(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, part.get(2..)) {
            (Some(byte), Some(rest)) => {
                plain.push(char::from(byte));
                plain.push_str(rest);
            }
            _ => plain.push_str(part),
        }
    }
    plain
}

fn failed(address: &str, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => timed_out(address),
        _ => {
            let errno = error.raw_os_error().unwrap_or(Errno::PROTONOSUPPORT.raw_os_error());
            Failure::new("reach systemd over", path_of(address), errno)
        }
    }
}

fn timed_out(address: &str) -> Failure {
    Failure::new("hear from systemd in time over", path_of(address), Errno::TIMEDOUT.raw_os_error())
}

fn protocol(object: &str) -> Failure {
    Failure::new("understand the message bus at", path_of(object), Errno::PROTO.raw_os_error())
}

fn path_of(address: &str) -> &str {
    address.strip_prefix("unix:path=").unwrap_or(address)
}

#[cfg(test)]
#[path = "bus_tests.rs"]
mod tests;
