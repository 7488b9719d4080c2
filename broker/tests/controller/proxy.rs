//! A proxy in front of etcd that can lose replies: requests reach etcd, answers do not come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    deaf: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let deaf = Arc::new(AtomicBool::new(false));
        let lost = Arc::clone(&deaf);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)).await else { continue };
                let (client_in, client_out) = client.into_split();
                let (server_in, server_out) = server.into_split();
                tokio::spawn(copy(client_in, server_out, Arc::default()));
                tokio::spawn(copy(server_in, client_out, Arc::clone(&lost)));
            }
        });
        Self { port, deaf, task }
    }

    /// Loses all replies from now on, or no longer.
    pub(crate) fn lose_replies(&self, lose: bool) {
        self.deaf.store(lose, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Copies until the stream ends. A connection that lost something is cut: what follows would make
/// no sense.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    lose: Arc<AtomicBool>,
) {
    let mut buffer = vec![0; 64 << 10];
    let mut lost = false;
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let now = lose.load(Ordering::SeqCst);
        if lost && !now {
            return;
        }
        lost |= now;
        if !lost && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
