//! rtnetlink(7), as far as network interfaces have to be moved: requests, their answers, links and addresses.
//!
//! All numbers are in the machine's byte order; every message and attribute is padded to four bytes (netlink(7)).

use rustix::{
    fd::OwnedFd,
    io::{self, Errno},
    net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with},
};

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_CREATE_NEW: u16 = 0x600;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const IFLA_IFNAME: u16 = 3;
const IFLA_NET_NS_FD: u16 = 28;
const IFA_FLAGS: u16 = 8;
const IFF_UP: u32 = 1;

/// What the kernel puts into one datagram at most (netlink(7), NLMSG_GOODSIZE and what a larger buffer allows).
const BUFFER: usize = 32 << 10;

/// A socket in the network namespace in which it was made.
pub struct Netlink {
    socket: OwnedFd,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub index: u32,
    pub name: String,
}

/// An address of an interface: struct ifaddrmsg and its attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub link: u32,
    pub family: u8,
    pub prefix: u8,
    /// 0: valid everywhere.
    pub scope: u8,
    /// IFA_F_*.
    pub flags: u32,
    /// IFA_LOCAL, IFA_ADDRESS, …, as they are.
    pub attributes: Vec<(u16, Vec<u8>)>,
}

impl Netlink {
    pub fn open() -> io::Result<Self> {
        socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None).map(|socket| Self { socket })
    }

    pub fn links(&self) -> io::Result<Vec<Link>> {
        let replies = self.ask(Request::new(RTM_GETLINK, NLM_F_DUMP, &link_header(0, 0)))?;
        Ok(replies.iter().filter(|reply| reply.kind == RTM_NEWLINK).filter_map(|reply| link(&reply.body)).collect())
    }

    pub fn addresses(&self) -> io::Result<Vec<Address>> {
        let replies = self.ask(Request::new(RTM_GETADDR, NLM_F_DUMP, &[0; 8]))?;
        Ok(replies.iter().filter(|reply| reply.kind == RTM_NEWADDR).filter_map(|reply| address(&reply.body)).collect())
    }

    /// Moves an interface into the network namespace that `namespace` refers to, where it gets `name`.
    pub fn move_link(&self, index: u32, namespace: i32, name: Option<&str>) -> io::Result<()> {
        let mut request = Request::new(RTM_NEWLINK, NLM_F_ACK, &link_header(index, 0));
        request.attribute(IFLA_NET_NS_FD, &namespace.to_ne_bytes());
        if let Some(name) = name {
            request.attribute(IFLA_IFNAME, &[name.as_bytes(), b"\0"].concat());
        }
        self.ask(request).map(drop)
    }

    pub fn set_up(&self, index: u32) -> io::Result<()> {
        self.ask(Request::new(RTM_NEWLINK, NLM_F_ACK, &link_header(index, IFF_UP))).map(drop)
    }

    pub fn add_address(&self, address: &Address) -> io::Result<()> {
        let Address { link, family, prefix, scope, flags, attributes } = address;
        // The first eight bits of the flags have their place here too.
        let [low, ..] = flags.to_le_bytes();
        let header = [&[*family, *prefix, low, *scope][..], &link.to_ne_bytes()].concat();
        let mut request = Request::new(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE_NEW, &header);
        request.attribute(IFA_FLAGS, &flags.to_ne_bytes());
        for (kind, value) in attributes {
            request.attribute(*kind, value);
        }
        self.ask(request).map(drop)
    }

    /// Sends a request and collects what comes back, to its end.
    fn ask(&self, request: Request) -> io::Result<Vec<Reply>> {
        let bytes = request.finish();
        if send(&self.socket, &bytes, SendFlags::empty())? != bytes.len() {
            return Err(Errno::MSGSIZE);
        }
        let mut replies = Vec::new();
        let mut buffer = vec![0; BUFFER];
        loop {
            // TRUNC: the length of the datagram, even if the buffer does not hold it.
            let (_, length) = recv(&self.socket, buffer.as_mut_slice(), RecvFlags::TRUNC)?;
            let datagram = buffer.get(..length).ok_or(Errno::MSGSIZE)?;
            if collect(datagram, &mut replies)? {
                return Ok(replies);
            }
        }
    }
}

struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// struct nlmsghdr (length, type, flags, sequence, port), then the body.
    fn new(kind: u16, flags: u16, body: &[u8]) -> Self {
        let mut bytes = vec![0; 16];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        bytes.extend_from_slice(body);
        Self { bytes }
    }

    /// struct rtattr (length, type), then the value. Values here are a few bytes long.
    fn attribute(&mut self, kind: u16, value: &[u8]) {
        let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
        self.bytes.extend_from_slice(&length.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(padded(self.bytes.len()), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes
    }
}

struct Reply {
    kind: u16,
    body: Vec<u8>,
}

/// Takes a datagram apart. True: it was the last one.
fn collect(mut rest: &[u8], replies: &mut Vec<Reply>) -> io::Result<bool> {
    while let Some(length) = u32_at(rest, 0) {
        let length = length as usize;
        let (Some(kind), Some(body)) = (u16_at(rest, 4), rest.get(16..length)) else { return Err(Errno::BADMSG) };
        match kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                // A negative errno; 0 is the acknowledgement.
                let error = u32_at(body, 0).ok_or(Errno::BADMSG)? as i32;
                return if error == 0 { Ok(true) } else { Err(Errno::from_raw_os_error(error.wrapping_neg())) };
            }
            kind => replies.push(Reply { kind, body: body.to_vec() }),
        }
        rest = rest.get(padded(length)..).unwrap_or_default();
    }
    Ok(false)
}

/// struct ifinfomsg: family and padding, type, index, flags, which flags change.
fn link_header(index: u32, flags: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), flags.to_ne_bytes()].concat()
}

fn link(body: &[u8]) -> Option<Link> {
    let index = u32_at(body, 4)?;
    let name = attributes(body.get(16..)?).find(|(kind, _)| *kind == IFLA_IFNAME)?.1;
    let name = name.strip_suffix(b"\0").unwrap_or(name);
    Some(Link { index, name: String::from_utf8_lossy(name).into_owned() })
}

fn address(body: &[u8]) -> Option<Address> {
    let &[family, prefix, flags, scope] = body.first_chunk()?;
    let all: Vec<(u16, Vec<u8>)> = attributes(body.get(8..)?).map(|(kind, value)| (kind, value.to_vec())).collect();
    let long = all.iter().find(|(kind, _)| *kind == IFA_FLAGS).and_then(|(_, value)| u32_at(value, 0));
    Some(Address {
        link: u32_at(body, 4)?,
        family,
        prefix,
        scope,
        flags: long.unwrap_or(u32::from(flags)),
        attributes: all,
    })
}

fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        let found = (u16_at(rest, 2)?, rest.get(4..length)?);
        rest = rest.get(padded(length)..).unwrap_or_default();
        Some(found)
    })
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u16::from_ne_bytes(*chunk))
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|chunk| u32::from_ne_bytes(*chunk))
}

#[cfg(test)]
#[path = "netlink_tests.rs"]
mod tests;
