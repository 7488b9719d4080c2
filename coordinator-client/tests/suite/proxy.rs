//! A TCP proxy in front of a server that loses replies and breaks connections on command.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What happens to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They pass.
    Pass,
    /// Requests pass, replies vanish.
    LoseReplies,
    /// Connections are broken and refused.
    Broken,
    /// Older connections lead nowhere, new ones pass.
    Stranded,
}

/// The proxy; gone when it is dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<(u64, Mode)>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Stands in front of `endpoint` (`http://host:port`).
    pub(crate) async fn start(endpoint: &str) -> Self {
        let server = endpoint.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("a bound listener");
        let (mode, modes) = watch::channel((0, Mode::Pass));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if modes.borrow().1 == Mode::Broken {
                    drop(client);
                    continue;
                }
                tokio::spawn(connection(client, server.clone(), modes.clone()));
            }
        });
        Self { address, mode, task }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, for existing connections too.
    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_modify(|current| current.1 = mode);
    }

    /// Existing connections stay and nothing comes through them any more; new ones pass.
    pub(crate) fn strand(&self) {
        self.mode.send_modify(|current| *current = (current.0 + 1, Mode::Stranded));
    }

    /// Breaks the existing connections; new ones are treated as `mode` says.
    pub(crate) fn cut(&self, mode: Mode) {
        self.mode.send_modify(|current| *current = (current.0 + 1, mode));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut(Mode::Broken);
        self.task.abort();
    }
}

async fn connection(
    mut client: TcpStream,
    server: String,
    mut modes: watch::Receiver<(u64, Mode)>,
) {
    let generation = modes.borrow_and_update().0;
    let Ok(Ok(mut server)) =
        tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(server)).await
    else {
        return;
    };
    let (mut from_client, mut from_server) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let (now, mode) = *modes.borrow_and_update();
        if now != generation && mode == Mode::Stranded {
            drop(modes.wait_for(|(_, mode)| *mode != Mode::Stranded).await);
            return;
        }
        if now != generation || mode == Mode::Broken {
            return;
        }
        let passed = tokio::select! {
            read = client.read(&mut from_client) => match read {
                Ok(bytes) if bytes > 0 => server.write_all(&from_client[..bytes]).await,
                _ => return,
            },
            read = server.read(&mut from_server) => match read {
                Ok(bytes) if bytes > 0 && modes.borrow().1 == Mode::LoseReplies => Ok(()),
                Ok(bytes) if bytes > 0 => client.write_all(&from_server[..bytes]).await,
                _ => return,
            },
            changed = modes.changed() => match changed {
                Ok(()) => Ok(()),
                Err(_) => return,
            },
        };
        if passed.is_err() {
            return;
        }
    }
}
