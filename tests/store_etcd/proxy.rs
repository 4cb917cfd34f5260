//! A network between us and etcd that can be cut, that can fall silent, and that can lose answers.

use std::pin::pin;
use std::sync::Arc;

use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Connections are told apart by when they were made.
#[derive(Clone, Copy, Default)]
struct State {
    /// How often the network changed for those that were there.
    age: u64,
    /// Those that are older carry nothing any more, and say nothing of it.
    silent_before: u64,
    /// Those that are older carry nothing back.
    deaf_before: u64,
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
        let state = Arc::new(watch::Sender::new(State::default()));
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
        self.state.send_modify(|state| {
            state.age += 1;
            state.silent_before = state.age;
        });
    }

    /// What is connected now still carries requests, and no answers. New connections are good.
    pub(crate) fn lose_answers(&self) {
        self.state.send_modify(|state| {
            state.age += 1;
            state.deaf_before = state.age;
        });
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
    let born = state.borrow_and_update().age;
    let (mut from_read, mut from_write) = from.split();
    let (mut to_read, mut to_write) = to.split();
    let (mut requests, mut answers) =
        (pin!(copy(&mut from_read, &mut to_write)), pin!(copy(&mut to_read, &mut from_write)));
    loop {
        let now = *state.borrow_and_update();
        if now.cut {
            return;
        }
        let (silent, deaf) = (now.silent_before > born, now.deaf_before > born);
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            _ = &mut requests, if !silent => return,
            _ = &mut answers, if !silent && !deaf => return,
        }
    }
}
