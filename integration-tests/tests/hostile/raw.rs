//! A client that sends whatever it is told to.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use barnabas_protocol::kafka::codec::Request;
use barnabas_protocol::kafka::frame::{decode_response, request_segments};
use barnabas_protocol::kafka::header::RequestHeader;
use barnabas_protocol::kafka::messages::ApiVersionsRequest;
use barnabas_protocol::kafka::primitives::varint::u32_bytes;
use bytes::Bytes;
use socket2::{Domain, Socket, Type};

/// Longer than any answer takes: a test that gets here has failed.
const LIMIT: Duration = Duration::from_secs(30);

/// What comes back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A frame, without its length.
    Frame(Bytes),
    /// The broker has closed the connection.
    Closed,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// Connects from 127.0.0.1.
    pub(crate) fn connect(bootstrap: &str) -> Self {
        Self::connect_from(Ipv4Addr::LOCALHOST, bootstrap)
    }

    /// Connects from an address of this machine: all of 127.0.0.0/8 are, and in IPv6 ::1.
    pub(crate) fn connect_from(from: impl Into<IpAddr>, bootstrap: &str) -> Self {
        let (from, to) = (from.into(), bootstrap.parse::<SocketAddr>().expect("an address"));
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("a socket");
        // Many connections, many ports: as for a connection without an address of its own.
        socket.set_reuse_address(true).expect("an option");
        if from != Ipv4Addr::LOCALHOST {
            socket.bind(&SocketAddr::from((from, 0)).into()).expect("a loopback address");
        }
        socket.connect(&to.into()).expect("the broker listens");
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(LIMIT)).expect("an option");
        stream.set_write_timeout(Some(LIMIT)).expect("an option");
        Self { stream }
    }

    /// Sends bytes as they are. That the broker has closed already is for the reader to see.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends as much as the broker takes before it takes nothing for `patience`; says how much that
    /// was.
    pub(crate) fn send_until_stuck(&mut self, bytes: &[u8], patience: Duration) -> usize {
        self.stream.set_write_timeout(Some(patience)).expect("an option");
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        sent
    }

    /// The same connection twice, to send and to receive at the same time.
    pub(crate) fn split(self) -> (Self, Self) {
        let receiver = Self { stream: self.stream.try_clone().expect("a descriptor") };
        (self, receiver)
    }

    /// Sends bytes as they are; false when the broker has closed.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Takes whatever comes until the broker closes, and throws it away.
    pub(crate) fn take_all(&mut self) {
        let mut taken = vec![0; 1 << 20];
        while self.stream.read(&mut taken).is_ok_and(|count| count > 0) {}
    }

    /// Sends a frame with its true length.
    pub(crate) fn send_frame(&mut self, frame: &[u8]) {
        let length = i32::try_from(frame.len()).expect("a frame's length");
        self.send(&[&length.to_be_bytes(), frame].concat());
    }

    /// Sends a request.
    pub(crate) fn send_request<R: Request>(&mut self, version: i16, request: &R) {
        self.send(&request_bytes(version, request));
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish_sending(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("an open socket");
    }

    /// Whether the broker answers on this connection.
    #[track_caller]
    pub(crate) fn is_served(&mut self) -> bool {
        self.send_request(3, &api_versions());
        matches!(self.answer(), Answer::Frame(_))
    }

    /// Waits for a whole frame or the end.
    ///
    /// # Panics
    /// When neither comes.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        let mut length = [0; 4];
        if !self.fill(&mut length) {
            return Answer::Closed;
        }
        let mut frame = vec![0; usize::try_from(u32::from_be_bytes(length)).expect("fits")];
        if self.fill(&mut frame) { Answer::Frame(frame.into()) } else { Answer::Closed }
    }

    /// Fills the buffer; false when the connection ended.
    #[track_caller]
    fn fill(&mut self, buffer: &mut [u8]) -> bool {
        match self.stream.read_exact(buffer) {
            Ok(()) => true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no answer and no end within {LIMIT:?}")
            }
            Err(_) => false,
        }
    }

    /// Sends a request and waits for its response.
    #[track_caller]
    pub(crate) fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send_request(version, request);
        self.response::<R>(version)
    }

    /// Waits for the response to a request of type `R`.
    #[track_caller]
    pub(crate) fn response<R: Request>(&mut self, version: i16) -> R::Response {
        match self.answer() {
            Answer::Frame(frame) => decode_response::<R>(frame, version).expect("readable").1,
            Answer::Closed => panic!("closed instead of answering {:?}", R::API_KEY),
        }
    }
}

/// The first request of every client.
pub(crate) fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "hostile".into(),
        client_software_version: "1".into(),
    }
}

/// A request as a whole frame.
pub(crate) fn request_bytes<R: Request>(version: i16, request: &R) -> Vec<u8> {
    let header = RequestHeader {
        api_key: R::API_KEY.into(),
        api_version: version,
        correlation_id: 1,
        client_id: Some("hostile".into()),
    };
    request_segments(&header, request).expect("a request").concat()
}

/// A frame without its length: a header of version 1 or 2, then any bytes.
pub(crate) fn frame(key: i16, version: i16, header_version: i16, body: &[u8]) -> Vec<u8> {
    let mut frame = [key.to_be_bytes(), version.to_be_bytes()].concat();
    frame.extend_from_slice(&7_i32.to_be_bytes());
    frame.extend_from_slice(&(-1_i16).to_be_bytes());
    if header_version >= 2 {
        frame.push(0);
    }
    frame.extend_from_slice(body);
    frame
}

/// Stands for a string that is longer than a client's library would send.
pub(crate) const PLACE: &str = "a place for a longer string";

/// A request of a flexible version, with a string of so many bytes in its [`PLACE`].
pub(crate) fn with_long_string<R: Request>(version: i16, request: &R, bytes: usize) -> Vec<u8> {
    let frame = request_bytes(version, request);
    let at = frame.windows(PLACE.len()).position(|part| part == PLACE.as_bytes());
    let at = at.expect("a place in the request");
    let length = u32_bytes(u32::try_from(bytes + 1).expect("fits"));
    let (before, after) = (&frame[4..at - 1], &frame[at + PLACE.len()..]);
    let body = [before, length.as_slice(), &vec![b'1'; bytes], after].concat();
    [&u32::try_from(body.len()).expect("fits").to_be_bytes()[..], &body].concat()
}
