#![allow(clippy::unwrap_used)]

use super::*;
use std::fs::File;

fn passed_on(text: &str, descriptors: usize) -> Option<(String, usize, bool)> {
    let descriptors = (0..descriptors).map(|_| File::open("/dev/null").unwrap().into()).collect();
    Message::from_container(text.as_bytes(), descriptors, 4711)
        .map(|message| (String::from_utf8(message.text).unwrap(), message.descriptors.len(), message.ready))
}

#[test]
fn only_known_lines_pass_and_mainpid_is_inits() {
    let cases: [(&str, Option<(&str, bool)>); 15] = [
        ("READY=1", Some(("READY=1\nMAINPID=4711", true))),
        ("STATUS=up\nREADY=1\n", Some(("STATUS=up\nREADY=1\nMAINPID=4711", true))),
        ("READY=1\nMAINPID=1\nSTATUS=a=b", Some(("READY=1\nSTATUS=a=b\nMAINPID=4711", true))),
        ("MAINPID=1", Some(("MAINPID=4711", false))),
        ("STATUS=READY=1", Some(("STATUS=READY=1", false))),
        ("STOPPING=1\nERRNO=2", Some(("STOPPING=1\nERRNO=2", false))),
        ("WATCHDOG=1", Some(("WATCHDOG=1", false))),
        ("WATCHDOG=trigger\nWATCHDOG_USEC=5", Some(("WATCHDOG=trigger\nWATCHDOG_USEC=5", false))),
        ("EXTEND_TIMEOUT_USEC=7", Some(("EXTEND_TIMEOUT_USEC=7", false))),
        ("RELOADING=1\nMONOTONIC_USEC=12", Some(("RELOADING=1\nMONOTONIC_USEC=12", false))),
        ("READY=0", None),
        ("MAINPIDFD=1\nNOTIFYACCESS=all\nBUSERROR=x\nX_OWN=1", None),
        ("STATUS=a\0b\nSTOPPING=1", Some(("STOPPING=1", false))),
        ("\0READY=1", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(passed_on(text, 0), expected.map(|(text, ready)| (text.to_owned(), 0, ready)), "{text:?}");
    }
}

#[test]
fn descriptors_pass_with_what_stores_them_and_with_a_barrier_alone() {
    type Case<'a> = (&'a str, usize, Option<(&'a str, usize)>);
    let cases: [Case<'_>; 11] = [
        ("FDSTORE=1\nFDNAME=x\nFDPOLL=0", 2, Some(("FDSTORE=1\nFDNAME=x\nFDPOLL=0", 2))),
        ("STATUS=a\nFDSTORE=1", 1, Some(("STATUS=a\nFDSTORE=1", 1))),
        ("FDSTORE=1\nFDNAME=x", 0, None),
        ("FDSTORE=0", 1, None),
        ("FDNAME=x", 1, None),
        ("FDSTOREREMOVE=1\nFDNAME=x", 0, Some(("FDSTOREREMOVE=1\nFDNAME=x", 0))),
        ("STATUS=a", 1, Some(("STATUS=a", 0))),
        ("BARRIER=1", 1, Some(("BARRIER=1", 1))),
        ("BARRIER=1\n", 1, Some(("BARRIER=1", 1))),
        ("BARRIER=1", 2, None),
        ("BARRIER=1\nSTATUS=a", 1, Some(("STATUS=a", 0))),
    ];
    for (text, descriptors, expected) in cases {
        let expected = expected.map(|(text, descriptors)| (text.to_owned(), descriptors, false));
        assert_eq!(passed_on(text, descriptors), expected, "{text:?} with {descriptors}");
    }
}
