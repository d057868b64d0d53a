#![allow(clippy::unwrap_used)]

use super::*;
use rustix::{
    pipe::{PipeFlags, pipe_with},
    pty::{OpenptFlags, openpt},
    termios::LocalModes,
};
use std::time::{Duration, Instant};

fn pty() -> (OwnedFd, OwnedFd) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    sys::terminal::unlock(master.as_fd()).unwrap();
    let slave = sys::terminal::open_peer(master.as_fd()).unwrap();
    (master, slave)
}

struct Joined {
    terminal: Terminal,
    /// What is written here is typed.
    keyboard: OwnedFd,
    /// What is shown can be read here.
    screen: OwnedFd,
    slave: OwnedFd,
}

fn joined() -> Joined {
    let (master, slave) = pty();
    prepare(master.as_fd()).unwrap();
    let (input, keyboard) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let (screen, output) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
    let terminal = Terminal::new(Pty::new(master).unwrap(), Some(input), output);
    Joined { terminal, keyboard, screen, slave }
}

/// Serves the terminal until it has nothing to do for a moment.
fn serve(terminal: &mut Terminal) {
    let moment = rustix::event::Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        let ready = crate::wait::ready(terminal.interests(), Some(&moment)).unwrap();
        if ready == [false; 3] {
            return;
        }
        terminal.serve(ready);
    }
    panic!("the terminal is always busy");
}

fn read_some(from: &OwnedFd) -> Vec<u8> {
    let mut buffer = [0; 1 << 17];
    match read(from, &mut buffer) {
        Ok(count) => buffer[..count].to_vec(),
        Err(Errno::AGAIN) => Vec::new(),
        Err(errno) => panic!("{errno}"),
    }
}

#[test]
fn what_is_typed_arrives_and_what_is_written_is_shown() {
    let Joined { mut terminal, keyboard, screen, slave } = joined();
    write(&keyboard, b"hello\n").unwrap();
    serve(&mut terminal);
    assert_eq!(read_some(&slave), b"hello\n");
    // The echo, without a carriage return: that is our terminal's business.
    assert_eq!(read_some(&screen), b"hello\n");
    write(&slave, b"answer\n").unwrap();
    serve(&mut terminal);
    assert_eq!(read_some(&screen), b"answer\n");
}

#[test]
fn the_end_of_input_leaves_the_terminal_open() {
    let Joined { mut terminal, keyboard, screen, slave } = joined();
    drop(keyboard);
    serve(&mut terminal);
    write(&slave, b"still here").unwrap();
    serve(&mut terminal);
    assert_eq!(read_some(&screen), b"still here");
}

#[test]
fn a_slow_reader_makes_the_container_wait_and_nothing_is_lost() {
    let Joined { mut terminal, keyboard: _keyboard, screen, slave } = joined();
    let text: Vec<u8> = (0..400_000u32).map(|number| b'a' + (number % 26) as u8).collect();
    let expected = text.clone();
    let writer = std::thread::spawn(move || {
        let mut rest = &text[..];
        while !rest.is_empty() {
            let count = write(&slave, rest).unwrap();
            rest = &rest[count..];
        }
        // The last slave is closed here, right behind the last byte.
    });
    serve(&mut terminal);
    assert!(!writer.is_finished(), "a pipe and a pty do not hold this much");
    let mut shown = Vec::new();
    while !writer.is_finished() {
        shown.extend(read_some(&screen));
        serve(&mut terminal);
    }
    writer.join().unwrap();
    terminal.end();
    while !terminal.is_done() {
        serve(&mut terminal);
        shown.extend(read_some(&screen));
    }
    shown.extend(read_some(&screen));
    assert_eq!(shown.len(), expected.len());
    assert_eq!(shown, expected);
}

#[test]
fn the_last_bytes_are_shown_even_when_another_process_keeps_the_terminal_open() {
    for other_keeps_it in [false, true] {
        let Joined { mut terminal, keyboard: _keyboard, screen, slave } = joined();
        let other = other_keeps_it.then(|| slave.try_clone().unwrap());
        write(&slave, b"bye").unwrap();
        drop(slave);
        terminal.end();
        assert!(terminal.is_done());
        assert_eq!(read_some(&screen), b"bye");
        drop(other);
    }
}

#[test]
fn a_container_may_close_its_terminal_and_open_it_again() {
    let Joined { mut terminal, keyboard: _keyboard, screen, slave } = joined();
    let name = rustix::termios::ttyname(&slave, Vec::new()).unwrap();
    drop(slave);
    serve(&mut terminal);
    let slave = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    write(&slave, b"again").unwrap();
    serve(&mut terminal);
    assert_eq!(read_some(&screen), b"again");
}

#[test]
fn a_reader_that_goes_away_hangs_the_terminal_up() {
    let Joined { mut terminal, keyboard: _keyboard, screen, slave } = joined();
    drop(screen);
    write(&slave, b"to nobody").unwrap();
    serve(&mut terminal);
    assert!(terminal.is_done());
    assert_eq!(write(&slave, b"more"), Err(Errno::IO));
}

#[test]
fn raw_mode_ends_with_its_guard() {
    let (_master, slave) = pty();
    let before = tcgetattr(&slave).unwrap();
    let raw = RawMode::set(slave.as_fd()).unwrap();
    let during = tcgetattr(&slave).unwrap();
    assert!(!during.local_modes.intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG));
    assert!(during.output_modes.contains(OutputModes::OPOST));
    drop(raw);
    let after = tcgetattr(&slave).unwrap();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
}

#[test]
fn a_standard_stream_is_not_made_non_blocking_for_others() {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let ours = unshared(reader.as_fd(), OFlags::RDONLY).unwrap();
    assert!(fcntl_getfl(&ours).unwrap().contains(OFlags::NONBLOCK));
    assert!(!fcntl_getfl(&reader).unwrap().contains(OFlags::NONBLOCK));
    write(&writer, b"x").unwrap();
    assert_eq!(read_some(&ours), b"x");
}
