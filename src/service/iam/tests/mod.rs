//! The operations on a directory in memory, called by callers who signed for real.

mod access_keys;
mod documents;
mod grants;
mod key_life;
mod lists;
mod new_roles;
mod oidc_providers;
mod permissions;
mod policies;
mod races;
mod requests;
mod revocations;
mod roles;
mod simulate;
mod simulate_principal;
mod stage;
mod users;
