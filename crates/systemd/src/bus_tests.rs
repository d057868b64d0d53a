#![allow(clippy::unwrap_used)]

use super::*;
use std::{fs, os::unix::net::UnixListener, path::PathBuf, thread};

/// A bus that reads what is sent until nothing more comes, and answers with `reply`.
fn bus(name: &str, reply: Vec<u8>) -> (PathBuf, String) {
    let path = env::temp_dir().join(format!("gantry-bus-{name}-{}", std::process::id()));
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&reply).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let address = format!("unix:path={}", path.display());
    (path, address)
}

fn connect(address: &str, patience: Duration) -> Result<Bus, Failure> {
    Bus::connect_to(address.to_owned(), patience)
}

fn message(kind: u8, answers: u32, body: &[u8]) -> Vec<u8> {
    let fields = vec![(REPLY_SERIAL, Variant::U32(answers)), (MEMBER, "Told".into())];
    let header: Header<'_> = (b'l', kind, 0, 1, body.len() as u32, 7, fields);
    let mut bytes = encode(&header).unwrap();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn calls_are_answered_in_any_order_and_signals_are_kept() {
    let text = |text: &str| encode(&text).unwrap();
    let reply = [
        b"DATA\r\nOK 0123\r\n".to_vec(),
        message(RETURN, 1, &text(":1.5")),
        message(SIGNAL, 0, &text("early")),
        message(RETURN, 2, &text("second")),
    ];
    let (path, address) = bus("order", reply.concat());
    let mut bus = connect(&address, Duration::from_secs(5)).unwrap();
    let serial = bus.send(&Call::bus("Ask", &"what").unwrap()).unwrap();
    let answer = bus.reply(serial).unwrap().unwrap_or_else(|_| panic!("refused"));
    assert_eq!(answer.body::<String>().unwrap(), "second");
    assert_eq!(bus.signal("Told").unwrap().body::<String>().unwrap(), "early");
    fs::remove_file(path).unwrap();
}

#[test]
fn a_bus_that_says_nothing_is_given_up() {
    let (path, address) = bus("silent", b"DATA\r\n".to_vec());
    let failure = connect(&address, Duration::from_millis(50)).err().unwrap();
    assert_eq!(failure.errno, Errno::TIMEDOUT.raw_os_error());
    fs::remove_file(path).unwrap();
}

#[test]
fn a_bus_that_talks_nonsense_is_an_error() {
    for nonsense in [
        "REJECTED\r\n",
        "DATA\r\nOK\r\nBxxxxxxxxxxxxxxxxxxxxxxx",
        "DATA\r\nOK\r\nl\u{1}\0\0\u{7f}\u{7f}\u{7f}\u{7f}01234567",
    ] {
        let (path, address) = bus("nonsense", nonsense.as_bytes().to_vec());
        assert!(connect(&address, Duration::from_secs(5)).is_err(), "{nonsense}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn no_bus_is_named_by_its_path() {
    let failure = connect("unix:path=/nowhere/bus", Duration::from_secs(5)).err().unwrap();
    assert_eq!((failure.object.as_str(), failure.errno), ("/nowhere/bus", Errno::NOENT.raw_os_error()));
}
