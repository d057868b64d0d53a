#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn an_interface_and_its_addresses_are_read_from_the_kernel() {
    let netlink = Netlink::open().unwrap();
    let links = netlink.links().unwrap();
    let lo = links.iter().find(|link| link.name == "lo").unwrap();
    assert_eq!(lo.index, 1);
    // Up or not, it has 127.0.0.1 or nothing.
    for address in netlink.addresses().unwrap().iter().filter(|address| address.link == 1 && address.family == 2) {
        assert!(address.attributes.contains(&(2, vec![127, 0, 0, 1])), "{address:?}");
        assert_eq!(address.prefix, 8);
    }
}

#[test]
fn an_error_of_the_kernel_is_its_errno() {
    let netlink = Netlink::open().unwrap();
    assert_eq!(netlink.set_up(u32::MAX >> 1), Err(Errno::NODEV));
}

#[test]
fn what_is_cut_off_is_an_error_and_not_half_an_answer() {
    let mut replies = Vec::new();
    let whole = Request::new(RTM_NEWLINK, 0, &link_header(7, 0)).finish();
    assert_eq!(collect(&whole, &mut replies), Ok(false));
    for length in 4..whole.len() {
        assert_eq!(collect(&whole[..length], &mut replies), Err(Errno::BADMSG), "{length}");
    }
    assert_eq!(replies.len(), 1);
    assert_eq!(attributes(&[200, 0, 3, 0, 1, 2]).count(), 0);
    assert_eq!(attributes(&[0, 0, 0, 0, 0, 0, 0, 0]).count(), 0);
}
