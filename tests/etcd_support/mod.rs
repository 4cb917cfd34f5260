//! Runs real etcd members for tests: own directories, free ports, and none outlives the test.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use brevet::store::{EtcdSettings, EtcdStore};
use tempfile::TempDir;

/// Starts the member, tells its process id, and kills it when standard input closes: also when the test was killed.
const GUARD: &str = r#"etcd "$@" >/dev/null 2>&1 & echo $!; read -r _; kill -9 $!; wait $!"#;

/// Whether etcd is installed. A test that needs it says that it is skipped and ends.
pub(crate) fn is_installed() -> bool {
    let found = Command::new("etcd").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        println!("skipped: there is no etcd");
    }
    found
}

/// A port that is free now, and of none that the system gives to whoever connects: a member that is started again needs it.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (std::process::id() as u16).wrapping_mul(97).wrapping_add(step) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// One member, running or not.
pub(crate) struct Member {
    arguments: Vec<String>,
    running: Option<(Child, String)>,
    pub(crate) client: u16,
}

impl Member {
    pub(crate) fn start(&mut self) {
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        BufReader::new(guard.stdout.take().unwrap()).read_line(&mut pid).unwrap();
        self.running = Some((guard, pid.trim().to_owned()));
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some((mut guard, _)) = self.running.take() {
            drop(guard.stdin.take());
            guard.wait().unwrap();
        }
    }

    /// `STOP` makes it silent, `CONT` ends that.
    pub(crate) fn signal(&self, name: &str) {
        let (_, pid) = self.running.as_ref().unwrap();
        assert!(Command::new("kill").args([&format!("-{name}"), pid]).status().unwrap().success());
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.client)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A cluster.
pub(crate) struct Etcd {
    pub(crate) members: Vec<Member>,
    _dir: TempDir,
}

impl Etcd {
    /// Of that many members, in no hurry to be ready.
    pub(crate) fn start(members: usize) -> Self {
        Self::start_with(members, &[])
    }

    pub(crate) fn start_with(members: usize, more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ports: Vec<_> = (0..members).map(|_| (free_port(), free_port())).collect();
        let cluster: Vec<_> =
            ports.iter().enumerate().map(|(n, (_, peer))| format!("m{n}=http://127.0.0.1:{peer}")).collect();
        let secure = more.iter().any(|argument| argument.starts_with("--cert-file"));
        let scheme = if secure { "https" } else { "http" };
        let member = |n: usize, (client, peer): (u16, u16)| {
            let options = [
                ("name", format!("m{n}")),
                ("data-dir", dir.path().join(format!("m{n}")).display().to_string()),
                ("listen-client-urls", format!("{scheme}://127.0.0.1:{client}")),
                ("advertise-client-urls", format!("{scheme}://127.0.0.1:{client}")),
                ("listen-peer-urls", format!("http://127.0.0.1:{peer}")),
                ("initial-advertise-peer-urls", format!("http://127.0.0.1:{peer}")),
                ("initial-cluster", cluster.join(",")),
            ];
            let arguments = options.map(|(name, value)| format!("--{name}={value}")).into_iter();
            let arguments = arguments.chain(more.iter().map(|more| (*more).to_owned())).collect();
            let mut member = Member { arguments, running: None, client };
            member.start();
            member
        };
        let members = ports.into_iter().enumerate().map(|(n, ports)| member(n, ports)).collect();
        Self { members, _dir: dir }
    }

    pub(crate) fn settings(&self, prefix: &str) -> EtcdSettings {
        EtcdSettings {
            endpoints: self.members.iter().map(Member::endpoint).collect(),
            prefix: prefix.to_owned(),
            tls: None,
            login: None,
        }
    }

    /// A store, once etcd is ready.
    pub(crate) async fn store(&self) -> EtcdStore {
        connect(&self.settings("/brevet/")).await
    }

    /// Runs `etcdctl` against the first member, and gives what it prints.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> String {
        let endpoints = format!("--endpoints={}", self.members[0].endpoint());
        let mut command = Command::new("etcdctl");
        let output = command.env("ETCDCTL_API", "3").arg(endpoints).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

pub(crate) async fn connect(settings: &EtcdSettings) -> EtcdStore {
    let begin = Instant::now();
    loop {
        match EtcdStore::connect(settings).await {
            Ok(store) => return store,
            Err(error) if begin.elapsed() > Duration::from_secs(30) => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
