//! The one road of every request: authenticate, decide and act, record, answer. No wire can leave a step out.

mod act;
mod exchange;
mod freshness;
mod inventory;
mod validators;

use std::sync::{Arc, Mutex, PoisonError};

use brevet_validator::signature::{self, PathStyle, Rules};
use brevet_validator::timestamp::Timestamp;
use brevet_validator::validator::Validator;

use self::act::Worth;
use self::freshness::MAX_POLICY_AGE;
use super::audit::{AuditSink, DenialBudget, Durability, Outcome, Record, RepeatedDenials};
use super::caller::{Caller, Envelope};
use super::clock::Clock;
use super::denial::{self, Denial};
use super::deployment::Deployment;
use super::directory::Directory;
use super::error::Error;
use super::federation::key_sets::KeySets;
use super::federation::{Identification, Plaintext, ProviderStates};
use super::iam::Iam;
use super::issue::Issuer;
use super::key_source::DirectoryKeys;
use super::keys::{Keys, MESSAGE_SALT};
use super::last_uses::LastUses;
use super::operation::{Answer, Operation};
use super::outbound::Outbound;
use super::random::Random;
use super::sessions::{Inventory, MOST_SESSIONS, RevokedSessions};
use super::trust::{Trust, TrustFigures};
use super::verdicts::Verdicts;
use super::zones::Zones;

/// Longest that a presigned request is good for, in seconds, whatever it says.
const PRESIGNED_MAX: u32 = 900;
/// The region of requests that name none, as at AWS's global endpoint.
const UNSIGNED_REGION: &str = "us-east-1";
/// Sessions that are remembered, so that their next request costs no public-key work.
const MAX_CACHED_SESSIONS: u64 = 100_000;

/// The service behind every wire.
#[derive(Debug)]
pub struct Service {
    /// Checks requests whose scope names `sts`.
    sts: Validator,
    /// Checks requests whose scope names `iam`.
    iam: Validator,
    directory: Arc<Directory>,
    keys: Arc<Keys>,
    issuer: Issuer,
    identification: Identification,
    administrator: Iam,
    zones: Zones,
    trust: Arc<Trust>,
    sessions: Inventory,
    last_uses: Arc<LastUses>,
    verdicts: Verdicts,
    outbound: Option<Arc<Outbound>>,
    /// When the directory was loaded.
    loaded_at: Timestamp,
    /// In seconds.
    max_policy_age: i64,
    audit: Arc<dyn AuditSink>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    budget: Mutex<DenialBudget>,
    repeats: Mutex<RepeatedDenials>,
}

impl Service {
    /// The service of a deployment, ready for requests. `plaintext`: whether identity providers on this machine may be
    /// reached without TLS.
    pub fn start(
        deployment: &Deployment,
        audit: Arc<dyn AuditSink>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        key_sets: Arc<dyn KeySets>,
        plaintext: Plaintext,
    ) -> Self {
        let (directory, keys) = (&deployment.directory, &deployment.keys);
        let validator = |service: &str| {
            let rules = Rules {
                path_style: PathStyle::General,
                services: vec![service.to_owned()],
                regions: None,
                presigned_max: PRESIGNED_MAX,
                unsigned_payload: false,
            };
            Validator::new(rules, keys.ring().clone(), MAX_CACHED_SESSIONS)
                .with_key_source(Arc::new(DirectoryKeys::new(Arc::clone(directory))))
                .with_revocations(Arc::new(RevokedSessions::new(Arc::clone(directory))))
        };
        let sessions = Inventory::new(MOST_SESSIONS);
        sessions.follow(&directory.snapshot(), clock.now());
        let last_uses: Arc<LastUses> = Arc::default();
        let administrator = Iam::new(Arc::clone(directory), Arc::clone(&random));
        Self {
            sts: validator("sts"),
            iam: validator("iam"),
            directory: Arc::clone(directory),
            keys: Arc::clone(keys),
            issuer: Issuer::new(Arc::clone(keys), Arc::clone(&random), Arc::clone(&clock)),
            identification: Identification::new(key_sets),
            administrator: administrator.with_plaintext_providers(plaintext).with_last_uses(Arc::clone(&last_uses)),
            zones: Zones::new(Arc::clone(directory), Arc::clone(keys), Arc::clone(&random)),
            trust: Arc::clone(&deployment.trust),
            sessions,
            last_uses,
            verdicts: Verdicts::new(keys.ring().clone(), directory, MAX_CACHED_SESSIONS),
            outbound: None,
            loaded_at: clock.now(),
            max_policy_age: MAX_POLICY_AGE,
            audit,
            clock,
            random,
            budget: Mutex::default(),
            repeats: Mutex::default(),
        }
    }

    /// The same, and it issues identity tokens.
    #[must_use]
    pub fn with_outbound(self, outbound: Option<Arc<Outbound>>) -> Self {
        Self { outbound, ..self }
    }

    /// Takes one request through. `request` is what was signed, `body` its payload as received; `operation` is what
    /// the transport read from them. Credentials come back only after their record is durable.
    ///
    /// Not to be dropped half way: a change would stand without its record. The transport sees to that.
    pub async fn call(
        &self,
        envelope: &Envelope,
        request: signature::Request<'_>,
        body: &[u8],
        operation: Operation,
    ) -> Result<Answer, Error> {
        let now = self.clock.now();
        let mut record = self.open_record(envelope, operation.source(), operation.name())?;
        record.parameters(operation.audit_parameters());
        if let Operation::AssumeRoleWithWebIdentity(input) = &operation {
            return self.exchange_identity(envelope, request, body, input, now, record).await;
        }

        let caller = match self.authenticate(envelope, request, body, &operation, now, &mut record) {
            Ok(caller) => caller,
            Err(error) => {
                self.record_unauthenticated(envelope, record, &error, now).await;
                return Err(error);
            }
        };
        record.caller(caller.verified(), caller.snapshot().revision.0);
        record.degraded(self.is_degraded(now));
        self.note_use(&caller, operation.is_iam());

        let fresh = if operation.issues() { self.fresh_enough(now).await } else { Ok(()) };
        let acted = match fresh {
            Ok(()) => self.act(envelope, &caller, operation).await,
            Err(stale) => Err(stale),
        };
        let answer = self.conclude(record, acted).await;
        self.enter(&answer, &caller, envelope);
        match answer? {
            // Only now: what is revoked and recorded must not hang on how validators are.
            Answer::Revoked(revoked) => Ok(Answer::Revoked(self.with_receipts(revoked).await)),
            answer => Ok(answer),
        }
    }

    /// What was issued or changed is recorded before it is answered; a refusal is recorded, and gets its sealed trace.
    async fn conclude(&self, mut record: Record, acted: Result<(Answer, Worth), Error>) -> Result<Answer, Error> {
        match acted {
            Ok((answer, Worth::Nothing)) => Ok(answer),
            Ok((answer, Worth::Record)) => {
                record.answer(&answer);
                record.outcome(Outcome::Done);
                // From here on the answer exists only if its record does.
                self.audit.record(record.to_line(), Durability::Durable).await.map_err(Error::unavailable)?;
                Ok(answer)
            }
            Err(mut error) => {
                record.outcome(Outcome::Failed(&error));
                self.defer(&record).await;
                error.encode(|denial| self.encode(denial));
                Err(error)
            }
        }
    }

    /// Records a request that failed before it could be taken through: unreadable, too large, unknown action.
    pub async fn refuse(&self, envelope: &Envelope, operation: &'static str, error: &Error) {
        if let Ok(record) = self.open_record(envelope, "sts", operation) {
            self.record_unauthenticated(envelope, record, error, self.clock.now()).await;
        }
    }

    /// Writes the summaries of denials that were held back in a second that is over, and looks after the list of sessions. To be
    /// called about once a second.
    pub async fn settle(&self) {
        let now = self.clock.now();
        self.sessions.follow(&self.directory.snapshot(), now);
        self.sessions.tidy(now);
        let mut due = self.budget().flush(now);
        due.extend(self.repeats().flush(now));
        self.write_all(due).await;
    }

    /// Writes all that was held back, and the sessions that are not written down yet, before the service ends.
    pub async fn close(&self) {
        let mut due = self.budget().drain();
        due.extend(self.repeats().drain());
        self.write_all(due).await;
        self.write_sessions().await;
        self.write_last_uses().await;
    }

    /// Writes down when keys were last used. To be called each [`super::last_uses::WRITTEN_EACH`].
    pub async fn write_last_uses(&self) {
        if let Err(error) = self.last_uses.write(&self.directory).await {
            let cause = error.cause().map(ToString::to_string);
            tracing::warn!(%error, cause, "last uses of access keys are not written down; they will be with the next");
        }
    }

    /// Whether issuances and changes can be recorded now.
    pub fn ready(&self) -> Result<(), Error> {
        self.audit.ready().map_err(Error::unavailable)
    }

    /// The identity providers of all accounts, for operators.
    pub fn provider_states(&self) -> ProviderStates {
        self.identification.provider_states(&self.directory.snapshot(), self.clock.now())
    }

    /// What validators are told, for operators.
    pub fn trust_figures(&self) -> TrustFigures {
        self.trust.figures(self.clock.now())
    }

    fn authenticate(
        &self,
        envelope: &Envelope,
        request: signature::Request<'_>,
        body: &[u8],
        operation: &Operation,
        now: Timestamp,
        record: &mut Record,
    ) -> Result<Caller, Error> {
        let validator = if operation.is_iam() { &self.iam } else { &self.sts };
        let pending = validator.begin(request, now)?;
        record.claimed_access_key(pending.access_key_id());
        let region = pending.scope().region().to_owned();
        let verified = pending.finish(body)?;
        let caller = Caller::new(verified, self.directory.snapshot(), envelope, &region, now)?;
        if caller.session().is_none() {
            let service = if operation.is_iam() { "iam" } else { "sts" };
            self.last_uses.note(caller.verified().access_key_id(), service, &region, now);
        }
        Ok(caller)
    }

    /// Without randomness the refusal goes out without its message.
    fn encode(&self, denial: &Denial) -> Option<String> {
        let mut salt = [0; MESSAGE_SALT];
        self.random.fill(&mut salt).ok()?;
        denial::encode(denial, &self.keys, salt)
    }

    fn open_record(&self, envelope: &Envelope, source: &str, operation: &str) -> Result<Record, Error> {
        let mut id = [0; 16];
        self.random.fill(&mut id).map_err(Error::unavailable)?;
        Ok(Record::new(envelope, source, operation, self.clock.now_nanos(), id))
    }

    async fn record_unauthenticated(&self, envelope: &Envelope, mut record: Record, error: &Error, now: Timestamp) {
        record.outcome(Outcome::Failed(error));
        let due = self.budget().take(envelope.source_ip, now, record);
        self.write_all(due).await;
    }

    async fn defer(&self, record: &Record) {
        if let Err(error) = self.audit.record(record.to_line(), Durability::Deferred).await {
            tracing::error!(%error, "a denial could not be recorded");
        }
    }

    async fn write_all(&self, records: Vec<Record>) {
        for record in records {
            self.defer(&record).await;
        }
    }

    fn repeats(&self) -> std::sync::MutexGuard<'_, RepeatedDenials> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, DenialBudget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
