//! Against a broker that answers as the test says.

use barnabas_protocol::kafka::messages::api_versions::ApiVersion;
use barnabas_protocol::kafka::messages::{
    ApiVersionsResponse, HeartbeatRequest, HeartbeatResponse,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const VERSION: i16 = 0;

/// Accepts one connection, and answers each request with the correlation id and the bytes that
/// `answer` makes of its own; none for no answer.
async fn broker(mut answer: impl FnMut(i32) -> Option<(i32, Vec<u8>)> + Send + 'static) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a client");
        while let Ok(length) = stream.read_i32().await {
            let mut frame = vec![0; length as usize];
            stream.read_exact(&mut frame).await.expect("a whole frame");
            let id = i32::from_be_bytes(frame[4..8].try_into().expect("four bytes"));
            let Some((id, body)) = answer(id) else { continue };
            stream.write_i32(4 + body.len() as i32).await.expect("a reader");
            stream.write_i32(id).await.expect("a reader");
            stream.write_all(&body).await.expect("a reader");
        }
    });
    Address::new("127.0.0.1", port)
}

fn versions() -> Vec<u8> {
    let api_keys = [ApiKey::ApiVersions, ApiKey::Heartbeat].map(|key| ApiVersion {
        api_key: key as i16,
        min_version: 0,
        max_version: VERSION,
    });
    encoded(&ApiVersionsResponse { api_keys: api_keys.to_vec(), ..Default::default() })
}

fn encoded(response: &impl barnabas_protocol::kafka::codec::Encode) -> Vec<u8> {
    let mut writer = barnabas_protocol::kafka::codec::Writer::new();
    response.encode(&mut writer, VERSION).expect("valid");
    writer.into_segments().concat()
}

async fn open(address: &Address, timeout: Duration) -> Result<Connection, ClientError> {
    Connection::open(address, "test".into(), timeout).await
}

#[tokio::test]
async fn requests_are_pipelined_and_may_be_given_up() {
    let beat = encoded(&HeartbeatResponse::default());
    let address =
        broker(move |id| Some((id, if id == 0 { versions() } else { beat.clone() }))).await;
    let connection = open(&address, Duration::from_secs(60)).await.expect("a broker");
    let request = HeartbeatRequest::default();
    let first = connection.send(&request).await.expect("sent");
    drop(connection.send(&request).await.expect("sent"));
    let third = connection.send(&request).await.expect("sent");
    third.wait().await.expect("an answer");
    first.wait().await.expect("an answer");
    assert!(connection.is_open());
}

#[tokio::test]
async fn an_answer_to_another_request_closes_the_connection() {
    let address = broker(|id| Some((id * 2, versions()))).await;
    let connection = open(&address, Duration::from_secs(60)).await.expect("a broker");
    let error = connection.call(&HeartbeatRequest::default()).await.expect_err("another id");
    let ClientError::Broken { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.kind(), io::ErrorKind::InvalidData);
    assert!(!connection.is_open());
    assert!(connection.call(&HeartbeatRequest::default()).await.is_err());
}

#[tokio::test]
async fn a_silent_broker_is_given_up() {
    let address = broker(|id| (id == 0).then(|| (id, versions()))).await;
    let connection = open(&address, Duration::from_secs(3)).await.expect("a broker");
    let error = connection.call(&HeartbeatRequest::default()).await.expect_err("silence");
    assert!(matches!(error, ClientError::TimedOut { .. }), "{error:?}");
    assert!(!connection.is_open());
}
