//! Puts the service together and runs it until a signal ends it: shared by `serve` and `dev`.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::ServerConfig;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing_subscriber::EnvFilter;

use super::Exit;
use crate::adapters::clock::SystemClock;
use crate::adapters::key_sets::FetchedKeySets;
use crate::adapters::random::SystemRandomness;
use crate::config::{Settings, TlsConfig};
use crate::service::audit::AuditSink;
use crate::service::deployment::Deployment;
use crate::service::federation::{Issuer, Plaintext};
use crate::service::last_uses::WRITTEN_EACH;
use crate::service::outbound::Outbound;
use crate::service::pipeline::Service;
use crate::transport::admin::Admin;
use crate::transport::control::Control;
use crate::transport::front::{self, Front};
use crate::transport::listener::Listener;
use crate::transport::metrics::Metrics;
use crate::transport::peer::Authorities;
use crate::transport::providers::Watch;
use crate::transport::readiness::Readiness;
use crate::transport::tls;

/// Below these levels the crates show headers and frames, and with them secrets.
const QUIET: [&str; 6] = ["h2=info", "hyper=info", "hyper_util=info", "rustls=info", "tonic=info", "tower=info"];

/// For what waits to be written down at the end.
const CLOSING: Duration = Duration::from_secs(10);

/// What a server is made of.
#[derive(Debug)]
pub(super) struct Assembly {
    /// Addresses, TLS, proxies.
    pub settings: Settings,
    /// Directory and keys.
    pub deployment: Arc<Deployment>,
    /// Where records go.
    pub audit: Arc<dyn AuditSink>,
    /// Where other commands ask, if there is a data directory.
    pub control: Option<PathBuf>,
    /// Refuse requests that name another host than this machine: no web page can reach a `dev` by DNS rebinding.
    pub only_local_hosts: bool,
    /// Issue identity tokens under the address that the service listens on, if no other name is configured.
    pub issuer_is_endpoint: bool,
    /// Whether identity providers on this machine may be reached without TLS.
    pub plaintext: Plaintext,
}

/// Where a server that is ready can be reached.
#[derive(Debug)]
pub(super) struct Ready {
    /// The service.
    pub endpoint: String,
    /// Health and metrics.
    pub admin_endpoint: String,
}

/// Logs to standard error, as text on a terminal and as JSON elsewhere; `BREVET_LOG`, else `RUST_LOG`, says how much.
pub(super) fn start_logging(default: &str) -> anyhow::Result<()> {
    let directives =
        std::env::var("BREVET_LOG").or_else(|_| std::env::var("RUST_LOG")).unwrap_or_else(|_| default.into());
    let mut filter = EnvFilter::try_new(&directives).with_context(|| format!("BREVET_LOG: {directives:?}"))?;
    for quiet in QUIET {
        filter = filter.add_directive(quiet.parse()?);
    }
    let logging = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    if std::io::stderr().is_terminal() {
        logging.init()
    } else {
        logging.json().init()
    }
    Ok(())
}

/// Runs a server's future to its end.
pub(super) fn block_on(server: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(server)?;
    Ok(Exit::Ok)
}

/// Serves until SIGINT or SIGTERM, then lets requests end; a second signal stops at once. `announce` is called once
/// requests are answered.
pub(super) async fn serve(
    assembly: Assembly,
    announce: impl FnOnce(&Ready) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Assembly { settings, deployment, audit, control, only_local_hosts, issuer_is_endpoint, plaintext } = assembly;
    let clock = Arc::new(SystemClock);

    let main = Listener::bind(settings.listen, tls_config(settings.tls.as_ref())?)
        .await
        .with_context(|| format!("cannot listen on {}", settings.listen))?;
    let admin = Listener::bind(settings.admin_listen, None)
        .await
        .with_context(|| format!("cannot listen on {}", settings.admin_listen))?;
    let address = main.address()?;
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let ready =
        Ready { endpoint: format!("{scheme}://{address}"), admin_endpoint: format!("http://{}", admin.address()?) };

    let issuer = match settings.issuer.clone() {
        None if issuer_is_endpoint => Issuer::at(address, settings.tls.is_some()).ok(),
        named => named,
    };
    if issuer_is_endpoint && issuer.is_none() {
        tracing::warn!("no identity tokens are issued: without TLS only an issuer on this machine is believed");
    }
    let outbound =
        issuer.map(|issuer| Arc::new(Outbound::new(issuer, Arc::clone(&deployment.issuer_keys), clock.clone())));
    let service = Service::start(
        &deployment,
        audit,
        clock.clone(),
        Arc::new(SystemRandomness::default()),
        Arc::new(FetchedKeySets::new(clock.clone())),
        plaintext,
    );
    let service = Arc::new(service.with_outbound(outbound.clone()).with_max_policy_age(settings.max_policy_age));

    let watched = Arc::clone(&service);
    let providers: Watch = Arc::new(move || watched.provider_states());
    let mut metrics = Metrics::new();
    metrics.watch_providers(Arc::clone(&providers));
    let told = Arc::clone(&service);
    metrics.watch_trust(Arc::new(move || told.trust_figures()));
    let listed = Arc::clone(&service);
    metrics.watch_sessions(Arc::new(move || listed.inventory_state()));
    let metrics = Arc::new(metrics);
    let audited = Arc::clone(&service);
    let audit_ready =
        move || audited.ready().map_err(|error| error.cause().map_or_else(|| error.to_string(), ToString::to_string));
    let readiness = Arc::new(Readiness::new(vec![("audit", Box::new(audit_ready))]).watching(providers));
    let front = Front::new(
        Arc::clone(&service),
        Arc::clone(&metrics),
        Arc::clone(&readiness),
        front::Settings {
            authorities: authorities(&settings, address, only_local_hosts),
            trusted_proxies: settings.trusted_proxies.clone(),
            reflection: settings.reflection,
            outbound,
        },
    )?;
    let trust = Arc::clone(&deployment.trust);
    tokio::spawn(Arc::clone(&trust).keep(clock.clone()));
    let directory = Arc::clone(&deployment.directory);
    if let Some(path) = control {
        let control = Control::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))?;
        tokio::spawn(control.serve(deployment, clock));
    }
    tokio::spawn(settle(Arc::clone(&service)));
    tokio::spawn(write_sessions(Arc::clone(&service)));
    tokio::spawn(async move { directory.follow().await });
    tokio::spawn(write_last_uses(Arc::clone(&service)));

    let (stop, stopped) = watch::channel(false);
    let until_stopped = async move {
        let _ = { stopped }.wait_for(|stop| *stop).await;
    };
    // It tells that the service stops while requests end, so it goes last.
    let admin = tokio::spawn(admin.run(Arc::new(Admin::new(metrics, Arc::clone(&readiness))), std::future::pending()));
    let mut main = tokio::spawn(main.run(Arc::new(front), until_stopped));
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut next_signal = async || {
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
        }
    };
    // From here on a signal stops in order.
    announce(&ready)?;
    next_signal().await;
    tracing::info!("stopping: requests in flight are answered, new ones are not taken");
    readiness.stop();
    // Its streams would end never.
    trust.stop();
    stop.send_replace(true);
    tokio::select! {
        ended = &mut main => ended?,
        () = next_signal() => tracing::warn!("stopped at once by a second signal"),
    }
    tokio::select! {
        () = service.close() => {}
        () = tokio::time::sleep(CLOSING) => tracing::warn!("the store does not answer: what waited to be written is lost"),
        () = next_signal() => tracing::warn!("stopped at once by a second signal"),
    }
    admin.abort();
    Ok(())
}

/// Writes the summaries of denials that were held back.
async fn settle(service: Arc<Service>) {
    let mut each_second = tokio::time::interval(Duration::from_secs(1));
    loop {
        each_second.tick().await;
        service.settle().await;
    }
}

/// Writes down which sessions were issued. What lies between two of these times is what a crash takes from the list.
async fn write_sessions(service: Arc<Service>) {
    let mut every_five_seconds = tokio::time::interval(Duration::from_secs(5));
    every_five_seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every_five_seconds.tick().await;
        service.write_sessions().await;
    }
}

/// Writes down when access keys were last used.
async fn write_last_uses(service: Arc<Service>) {
    let mut each_minute = tokio::time::interval(WRITTEN_EACH);
    loop {
        each_minute.tick().await;
        service.write_last_uses().await;
    }
}

fn tls_config(tls: Option<&TlsConfig>) -> anyhow::Result<Option<Arc<ServerConfig>>> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    match tls {
        Some(TlsConfig { cert, key }) => Ok(Some(tls::server_config(&read(cert)?, &read(key)?)?)),
        None => Ok(None),
    }
}

fn authorities(settings: &Settings, address: SocketAddr, only_local_hosts: bool) -> Option<Authorities> {
    if only_local_hosts {
        return Some(Authorities::of_this_machine(address));
    }
    (!settings.authorities.is_empty()).then(|| Authorities::new(&settings.authorities))
}
