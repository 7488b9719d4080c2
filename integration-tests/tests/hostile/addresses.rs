//! One client under many addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};

use barnabas_integration_tests::broker::BrokerOptions;
use barnabas_integration_tests::ports;

use crate::neighbour::Neighbour;
use crate::raw::{Answer, Raw};
use crate::target::Target;

/// An IPv4 address counts once, whether it comes as such or mapped to IPv6 on a listener for both.
#[test]
fn an_address_mapped_to_ipv6_is_no_other_address() {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("no IPv6 on this machine");
        return;
    }
    let port = ports::free();
    let options = BrokerOptions {
        any_address_port: Some(port),
        overrides: vec!["max.connections.per.ip=10".into()],
        ..BrokerOptions::default()
    };
    let mut target = Target::launch(options);
    let neighbour = Neighbour::move_in(&target, 100);
    let one = Ipv4Addr::new(127, 0, 0, 3);
    let (plain, both) = (target.bootstrap().to_owned(), format!("127.0.0.1:{port}"));
    let mapped = format!("[::ffff:127.0.0.1]:{port}");
    let from_mapped = || Raw::connect_from(one.to_ipv6_mapped(), &mapped);
    let ways: [&dyn Fn() -> Raw; 3] =
        [&|| Raw::connect_from(one, &plain), &|| Raw::connect_from(one, &both), &from_mapped];
    let mut open: Vec<Raw> = (0..10).map(|n| ways[n % 3]()).collect();
    assert!(open.iter_mut().all(Raw::is_served), "within the limit");
    for way in ways {
        assert!((0..20).all(|_| way().answer() == Answer::Closed), "another way in");
    }
    let other = IpAddr::from(Ipv6Addr::LOCALHOST);
    assert!(Raw::connect_from(other, &format!("[::1]:{port}")).is_served());
    neighbour.move_out();
    target.is_well();
}
