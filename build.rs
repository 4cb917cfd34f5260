//! Compiles the protos of the server with protox, so that no protoc is needed.

use std::path::PathBuf;

use prost::Message;

const FILES: [&str; 8] = [
    "brevet/admin/v1/access_key.proto",
    "brevet/admin/v1/directory.proto",
    "brevet/admin/v1/policy.proto",
    "brevet/admin/v1/session.proto",
    "brevet/admin/v1/zone.proto",
    "brevet/sts/v1/sts.proto",
    "brevet/store/v1/records.proto",
    "brevet/validation/v1/validation.proto",
];

/// What the store says to etcd.
const ETCD: &str = "etcd/etcdserverpb/rpc.proto";

/// Messages that hold secrets: their `Debug` is written by hand and shows none.
const SECRET: [&str; 16] = [
    "brevet.admin.v1.CreateAccessKeyResponse",
    "brevet.admin.v1.RotateAccessKeyResponse",
    "brevet.admin.v1.TestOidcProviderRequest",
    "brevet.store.v1.AccessKey",
    "brevet.store.v1.Anchor",
    "brevet.store.v1.Epoch",
    "brevet.store.v1.IssuerKey",
    "brevet.sts.v1.AssumeRoleWithWebIdentityRequest",
    "brevet.sts.v1.Credentials",
    "brevet.sts.v1.GetWebIdentityTokenResponse",
    "brevet.validation.v1.GetSigningKeyRequest",
    "brevet.validation.v1.GetSigningKeyResponse",
    "brevet.validation.v1.GetTrustBundleResponse",
    "brevet.validation.v1.Header",
    "brevet.validation.v1.VerifyRequestRequest",
    "brevet.validation.v1.WatchTrustResponse",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().build_client(false).skip_debug(SECRET).compile_fds(descriptors)?;
    tonic_prost_build::configure()
        .build_server(false)
        .bytes(".")
        .skip_debug(["etcdserverpb.AuthenticateRequest", "etcdserverpb.AuthenticateResponse"])
        .compile_fds(protox::compile([ETCD], ["proto"])?)?;
    println!("cargo::rerun-if-changed=proto");
    Ok(())
}
