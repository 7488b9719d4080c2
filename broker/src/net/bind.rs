//! Opens the sockets of listeners.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

/// Connections that may wait to be accepted; `net.core.somaxconn` limits it further.
const BACKLOG: i32 = 1024;

/// Listens on a host's address, or on all addresses if the host is empty, `0.0.0.0` or `::`. As in
/// Kafka, all addresses are those of IPv6 and IPv4.
///
/// # Errors
/// If the host has no address, or the address cannot be listened on.
pub async fn bind(host: &str, port: u16) -> io::Result<TcpListener> {
    if host.is_empty() || host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified()) {
        return bind_all(port);
    }
    let mut addresses: Vec<SocketAddr> = lookup_host((host, port)).await?.collect();
    // `localhost` has addresses of both kinds, and most clients try that of IPv4 first, as Java
    // does.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    TcpListener::bind(&addresses[..]).await
}

/// One socket for IPv6 and IPv4; only for IPv4 if this machine has no IPv6.
fn bind_all(port: u16) -> io::Result<TcpListener> {
    match listen(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into()) {
        Err(error) if lacks_ipv6(&error) => {
            listen(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into())
        }
        listening => listening,
    }
}

fn lacks_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

fn listen(domain: Domain, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if domain == Domain::IPV6 {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    /// Whether clients at both loopback addresses are accepted.
    async fn reached(listener: &TcpListener) -> (bool, bool) {
        let port = listener.local_addr().expect("an address").port();
        let four = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok();
        let six = TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.is_ok();
        (four, six)
    }

    #[tokio::test]
    async fn a_wildcard_is_for_both_families() {
        let has_ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_ok();
        for host in ["", "0.0.0.0", "::", "0:0:0:0:0:0:0:0"] {
            let listener = bind(host, 0).await.expect("a port");
            assert_eq!(reached(&listener).await, (true, has_ipv6), "{host:?}");
        }
    }

    #[tokio::test]
    async fn an_address_is_for_itself() {
        let listener = bind("127.0.0.1", 0).await.expect("a port");
        assert_eq!(reached(&listener).await, (true, false));
        let listener = bind("localhost", 0).await.expect("a port");
        assert!(reached(&listener).await.0, "localhost is 127.0.0.1 first");
        assert!(bind("no-such-host.invalid", 0).await.is_err());
    }

    #[tokio::test]
    async fn a_port_in_use_is_refused() {
        let taken = bind("", 0).await.expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let error = bind("", port).await.expect_err("taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
