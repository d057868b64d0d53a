//! Archives from hostile hands, and whiteouts, in directories of the test's own. Each is made by hand: no honest program writes them.
#![allow(clippy::unwrap_used)]

use crate::{Rules, pack, unpack};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::{
    fs,
    io::{Cursor, Read, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
};
use tar::{EntryType, Header};
use wire::Failure;

/// `root` is what is unpacked into, `outside` lies beside it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gantry-archive-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("root")).unwrap();
        fs::create_dir_all(path.join("outside")).unwrap();
        fs::write(path.join("outside/file"), "untouched").unwrap();
        Self(path)
    }

    fn root(&self, name: &str) -> PathBuf {
        self.0.join("root").join(name)
    }

    fn unpack(&self, archive: &[u8], layer: bool) -> Result<(), Failure> {
        self.unpack_within(archive, layer, 1 << 20, 1000)
    }

    fn unpack_within(&self, archive: &[u8], layer: bool, most_bytes: u64, most_entries: u64) -> Result<(), Failure> {
        let top = openat(CWD, self.root(""), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
        let rules = Rules { give: &|_, _, _| Ok(()), layer, most_bytes, most_entries };
        let result = unpack(rustix::fd::AsFd::as_fd(&top), Cursor::new(archive), &rules);
        assert_eq!(fs::read_to_string(self.0.join("outside/file")).unwrap(), "untouched");
        assert_eq!(fs::read_dir(self.0.join("outside")).unwrap().count(), 1, "something was made outside");
        result.map(drop)
    }

    fn refuses(&self, archive: &[u8], why: &str) {
        let failure = self.unpack(archive, false).unwrap_err();
        let text = format!("{} {}", failure.step, failure.object);
        assert!(text.contains(why), "{failure:?}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An entry with a name and a target that nobody has looked at.
fn entry(kind: EntryType, name: &str, target: &str, content: &[u8]) -> Vec<u8> {
    with_mode(kind, name, target, content, 0o644)
}

fn with_mode(kind: EntryType, name: &str, target: &str, content: &[u8], mode: u32) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_000_000_000);
    header.set_size(content.len() as u64);
    if matches!(kind, EntryType::Char | EntryType::Block) {
        header.set_device_major(1).unwrap();
        header.set_device_minor(3).unwrap();
    }
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, content: &str) -> Vec<u8> {
    entry(EntryType::Regular, name, "", content.as_bytes())
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), vec![0; 1024]].concat()
}

#[test]
fn names_that_lead_upwards_are_refused() {
    let place = Place::new("upwards");
    for name in ["../outside/new", "a/../../outside/new", "..", "a/.."] {
        place.refuses(&archive(&[file(name, "x")]), "leads out of the archive");
    }
}

#[test]
fn absolute_names_start_at_the_root() {
    let place = Place::new("absolute");
    place.unpack(&archive(&[file("/etc/new", "x"), file("//./dev//new", "y")]), false).unwrap();
    assert_eq!(fs::read_to_string(place.root("etc/new")).unwrap(), "x");
    assert_eq!(fs::read_to_string(place.root("dev/new")).unwrap(), "y");
}

#[test]
fn nothing_is_written_through_a_link_that_leads_out() {
    let place = Place::new("links");
    let outside = place.0.join("outside");
    let outside = outside.to_str().unwrap();
    for target in [outside, "../outside", "/proc/self/cwd", "/"] {
        let link = entry(EntryType::Symlink, "way", target, b"");
        let result = place.unpack(&archive(&[link, file("way/file", "overwritten")]), false);
        // Inside the root, that leads to the root itself or to nothing.
        assert_eq!(result.is_ok(), target == "/", "{result:?}");
        assert_eq!(place.root("file").exists(), target == "/");
        assert_eq!(fs::read_link(place.root("way")).unwrap(), Path::new(target));
    }
    // A link at the end of a name is replaced.
    let target = format!("{outside}/file");
    let over = [entry(EntryType::Symlink, "x", &target, b""), file("x", "own")];
    place.unpack(&archive(&over), false).unwrap();
    assert_eq!(fs::read_to_string(place.root("x")).unwrap(), "own");
    // So is one that was there before, also by a directory.
    symlink(outside, place.root("there")).unwrap();
    let through = [entry(EntryType::Directory, "there", "", b""), file("there/file", "own")];
    place.unpack(&archive(&through), false).unwrap();
    assert_eq!(fs::read_to_string(place.root("there/file")).unwrap(), "own");
}

#[test]
fn hard_links_lead_to_files_of_the_archive_alone() {
    let place = Place::new("hard-links");
    let link = |target: &str| archive(&[entry(EntryType::Link, "hard", target, b"")]);
    place.refuses(&link("../outside/file"), "leads out of the archive");
    let absolute = place.0.join("outside/file");
    place.unpack(&link(absolute.to_str().unwrap()), false).unwrap_err();
    symlink(place.0.join("outside"), place.root("way")).unwrap();
    place.unpack(&link("way/file"), false).unwrap_err();
    fs::create_dir(place.root("dir")).unwrap();
    place.refuses(&link("dir"), "what is no file");
    symlink(place.0.join("outside/file"), place.root("soft")).unwrap();
    place.unpack(&link("soft"), false).unwrap();
    assert!(fs::symlink_metadata(place.root("hard")).unwrap().is_symlink(), "the link itself, not what it leads to");
    place.unpack(&archive(&[file("one", "1"), entry(EntryType::Link, "two", "/one", b"")]), false).unwrap();
    assert_eq!(fs::metadata(place.root("one")).unwrap().ino(), fs::metadata(place.root("two")).unwrap().ino());
    place.unpack(&archive(&[entry(EntryType::Link, "one", "one", b"")]), false).unwrap();
    assert_eq!(fs::read_to_string(place.root("one")).unwrap(), "1");
}

#[test]
fn devices_are_refused_and_left_out_of_layers() {
    let place = Place::new("devices");
    for kind in [EntryType::Char, EntryType::Block] {
        let device = archive(&[entry(kind, "null", "", b""), file("after", "")]);
        place.refuses(&device, "a device");
        place.unpack(&device, true).unwrap();
        assert!(!place.root("null").exists() && place.root("after").exists());
    }
    place.unpack(&archive(&[entry(EntryType::Fifo, "fifo", "", b"")]), false).unwrap();
    assert!(fs::metadata(place.root("fifo")).unwrap().file_type().is_fifo());
}

#[test]
fn set_user_id_is_not_given() {
    let place = Place::new("modes");
    let mode = |name: &str| fs::metadata(place.root(name)).unwrap().permissions().mode() & 0o7777;
    let entries = [
        with_mode(EntryType::Regular, "program", "", b"", 0o6755),
        with_mode(EntryType::Directory, "dir", "", b"", 0o7700),
        file("dir/inner", ""),
        with_mode(EntryType::Directory, "closed", "", b"", 0o500),
        file("closed/inner", ""),
    ];
    for layer in [false, true] {
        place.unpack(&archive(&entries), layer).unwrap();
        assert_eq!((mode("program"), mode("dir"), mode("closed")), (0o755, 0o3700, 0o500));
        assert_eq!(fs::metadata(place.root("dir")).unwrap().mtime(), 1_000_000_000);
    }
}

#[test]
fn a_link_in_the_place_of_a_directory_does_not_pass_its_mode_on() {
    let place = Place::new("replaced");
    fs::create_dir(place.root("there")).unwrap();
    let before = fs::metadata(place.root("there")).unwrap().permissions();
    let replaced =
        [with_mode(EntryType::Directory, "was", "", b"", 0o1700), entry(EntryType::Symlink, "was", "there", b"")];
    place.unpack(&archive(&replaced), false).unwrap();
    assert_eq!(fs::metadata(place.root("there")).unwrap().permissions(), before);
}

#[test]
fn names_without_end_are_refused() {
    let place = Place::new("long");
    let long = |kind, length: usize| [entry(kind, "@LongLink", "", &vec![b'a'; length]), file("short", "")].concat();
    for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
        place.refuses(&archive(&[long(kind, 2 << 20)]), "headers without end");
    }
    // Too long for the kernel.
    let failure = place.unpack(&archive(&[long(EntryType::GNULongName, 300)]), false).unwrap_err();
    assert_eq!(failure.errno, rustix::io::Errno::NAMETOOLONG.raw_os_error());
    let deep = "a/".repeat(300);
    let deep = [entry(EntryType::GNULongName, "@LongLink", "", deep.as_bytes()), file("x", "")].concat();
    assert_eq!(place.unpack(&archive(&[deep, vec![]]), false).unwrap_err().step, "unpack");
}

#[test]
fn bombs_end_at_the_limit() {
    let place = Place::new("bombs");
    // A megabyte of zeros for each kilobyte.
    let bomb = archive(&[entry(EntryType::Regular, "zeros", "", &vec![0; 8 << 20])]);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&bomb).unwrap();
    place.refuses(&encoder.finish().unwrap(), "more than 1048576 bytes");
    assert!(!place.root("zeros").exists());
    // Of the length that it says, nothing is there.
    let mut sparse = Header::new_gnu();
    sparse.set_path("sparse").unwrap();
    sparse.set_entry_type(EntryType::GNUSparse);
    sparse.set_mode(0o644);
    sparse.set_uid(0);
    sparse.set_gid(0);
    sparse.set_mtime(0);
    sparse.set_size(0);
    sparse.as_gnu_mut().unwrap().realsize = *b"77777777777\0";
    sparse.as_gnu_mut().unwrap().sparse[0].offset = *b"77777777777\0";
    sparse.as_gnu_mut().unwrap().sparse[0].numbytes = *b"00000000000\0";
    sparse.set_cksum();
    place.refuses(&archive(&[sparse.as_bytes().to_vec()]), "more than 1048576 bytes");
    let many: Vec<_> = (0..20).map(|number| file(&number.to_string(), "")).collect();
    let failure = place.unpack_within(&archive(&many), false, 1 << 20, 10).unwrap_err();
    assert!(failure.object.contains("more than 10 entries"), "{failure:?}");
}

#[test]
fn damaged_archives_are_an_error() {
    let place = Place::new("damaged");
    let whole = archive(&[file("one", "content")]);
    assert!(place.unpack(&whole[..600], false).is_err());
    assert!(place.unpack(&[1; 512], false).is_err());
    assert!(place.unpack(b"\x1f\x8b\x08 and no more", false).is_err());
    assert!(place.unpack(b"\x28\xb5\x2f\xfd and no more", false).is_err());
    place.refuses(b"\xfd7zXZ\0\0\0", "xz");
    place.unpack(&[0; 1024], false).unwrap();
    place.unpack(b"", false).unwrap();
}

#[test]
fn whiteouts_hide_what_the_layers_below_have() {
    let place = Place::new("whiteouts");
    let below = [file("dir/old", ""), file("dir/sub/old", ""), file("gone/deep/file", ""), file("kept", "")];
    place.unpack(&archive(&below), true).unwrap();
    let above = [
        file("dir/sub/new", ""),
        file("dir/.wh..wh..opq", ""),
        file("dir/new", ""),
        file(".wh.gone", ""),
        file(".wh.never-there", ""),
        file("no/such/.wh.directory", ""),
        file("own", ""),
        file(".wh.own", ""),
    ];
    place.unpack(&archive(&above), true).unwrap();
    let there = |name: &str| place.root(name).exists();
    assert!(!there("dir/old") && !there("dir/sub/old") && !there("gone") && !there("no"));
    assert!(there("dir/sub/new") && there("dir/new") && there("kept") && there("own"));
    symlink(place.0.join("outside"), place.root("way")).unwrap();
    place.unpack(&archive(&[file("way/.wh.file", ""), file("way/.wh..wh..opq", "")]), true).unwrap();
    assert!(place.unpack(&archive(&[file(".wh...", "")]), true).is_err());
    // Not of a layer, it is a name like any other.
    place.unpack(&archive(&[file(".wh.kept", "")]), false).unwrap();
    assert!(there("kept") && there(".wh.kept"));
}

#[test]
fn zstd_of_several_frames_is_read() {
    let place = Place::new("zstd");
    let whole = archive(&[file("one", "1"), file("two", "2")]);
    let frame = |bytes: &[u8]| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"skip"].concat();
    let (one, two) = whole.split_at(700);
    place.unpack(&[skipped.clone(), frame(one), skipped, frame(two)].concat(), false).unwrap();
    assert_eq!(fs::read_to_string(place.root("two")).unwrap(), "2");
}

#[test]
fn what_is_packed_is_unpacked_the_same() {
    let (from, to) = (Place::new("from"), Place::new("to"));
    let long = "n".repeat(200);
    fs::create_dir_all(from.root(&format!("{long}/inner"))).unwrap();
    fs::write(from.root(&format!("{long}/inner/file")), [0, 255]).unwrap();
    fs::write(from.root("").join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "no text").unwrap();
    fs::hard_link(from.root(&format!("{long}/inner/file")), from.root("hard")).unwrap();
    for (name, target) in [("a", "/absolute"), ("b", "a//b/./../c/"), ("c", &format!("{long}/{long}"))] {
        symlink(target, from.root(name)).unwrap();
    }
    let _socket = std::os::unix::net::UnixListener::bind(from.root("socket")).unwrap();
    let top = openat(CWD, from.root(""), OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap();
    let mut packed = Vec::new();
    pack(rustix::fd::AsFd::as_fd(&top), &mut packed, &|_, _| (1, 2)).unwrap();
    to.unpack(&packed, false).unwrap();
    let mut text = Vec::new();
    fs::File::open(to.root(&format!("{long}/inner/file"))).unwrap().read_to_end(&mut text).unwrap();
    assert_eq!(text, [0, 255]);
    assert_eq!(fs::read(to.root("").join(std::ffi::OsStr::from_bytes(b"\xff\xfe"))).unwrap(), b"no text");
    assert_eq!(fs::metadata(to.root("hard")).unwrap().nlink(), 2);
    for (name, target) in [("a", "/absolute"), ("b", "a//b/./../c/"), ("c", &format!("{long}/{long}"))] {
        assert_eq!(fs::read_link(to.root(name)).unwrap().as_os_str().as_bytes(), target.as_bytes());
    }
    assert!(!to.root("socket").exists());
    let mut reader = tar::Archive::new(Cursor::new(packed));
    assert!(reader.entries().unwrap().all(|entry| entry.unwrap().header().gid().unwrap() == 2));
}
