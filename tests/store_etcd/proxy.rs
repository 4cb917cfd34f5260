//! A network between us and etcd that can be cut, and that can fall silent.

use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy)]
struct State {
    /// Connections that are older carry nothing any more, and say nothing of it.
    silent_before: u64,
    cut: bool,
}

/// Passes connections on to one port.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<watch::Sender<State>>,
}

impl Proxy {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(watch::Sender::new(State { silent_before: 0, cut: false }));
        let seen = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (from, _) = listener.accept().await.unwrap();
                let state = seen.subscribe();
                if !state.borrow().cut {
                    tokio::spawn(carry(from, to, state));
                }
            }
        });
        Self { port, state }
    }

    /// What is connected now falls silent. New connections are good.
    pub(crate) fn silence(&self) {
        self.state.send_modify(|state| state.silent_before += 1);
    }

    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.cut = true);
    }

    pub(crate) fn mend(&self) {
        self.state.send_modify(|state| state.cut = false);
    }
}

async fn carry(mut from: TcpStream, to: u16, mut state: watch::Receiver<State>) {
    let Ok(mut to) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    let born = state.borrow_and_update().silent_before;
    tokio::select! {
        _ = copy_bidirectional(&mut from, &mut to) => return,
        _ = state.wait_for(|state| state.cut || state.silent_before > born) => {}
    }
    // Silent: both ends stay open, until the wire is cut.
    let _ = state.wait_for(|state| state.cut).await;
}
