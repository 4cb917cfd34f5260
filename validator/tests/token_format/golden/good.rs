//! Tokens that open.

use brevet_validator::credential::Lifetime;
use brevet_validator::identity::Principal;
use brevet_validator::token::{Claims, Zone};

use super::{LAST, Vector};
use crate::forge::{BoxPart, Parts, root_body};
use crate::samples::*;

pub(super) fn vectors() -> Vec<Vector> {
    let federated_root = Claims {
        principal: Principal::FederatedUser {
            account: "123456789012".parse().unwrap(),
            name: "guest".parse().unwrap(),
            user: None,
        },
        source_user: None,
        ..federated_claims()
    };
    let largest = Claims { session_policy: Some("p".repeat(2000)), tags: tags(50), ..chained_claims() };
    let longest = Lifetime { issued_at: at(NOW), expires_at: at(NOW + MAX_LIFETIME) };
    let hour_of_last_day = Lifetime { issued_at: at(LAST - 3600), expires_at: at(LAST) };
    let hour_from = |start| Lifetime { issued_at: at(start), expires_at: at(start + 3600) };
    vec![
        minted("user session, opened by the STS", "sts", &user_claims(), an_hour(), NOW),
        minted("user session, opened in the default zone", "default", &user_claims(), an_hour(), NOW),
        minted("root session", "sts", &root_claims(), an_hour(), NOW),
        minted("role session with tags and policies", "default", &role_claims(), an_hour(), NOW),
        minted("role session of a web identity", "default", &web_identity_claims(), an_hour(), NOW),
        minted("role session at the end of the longest chain", "default", &chained_claims(), an_hour(), NOW),
        minted("federated user of a user", "default", &federated_claims(), an_hour(), NOW),
        minted("federated user of the root", "sts", &federated_root, an_hour(), NOW),
        minted("policy of 2000 characters and 50 tags", "default", &largest, an_hour(), NOW),
        minted("longest lifetime, in its last second", "default", &user_claims(), longest, NOW + MAX_LIFETIME - 1),
        minted("issued 300 s ahead of the validator's clock", "default", &user_claims(), hour_from(NOW + 300), NOW),
        minted("lives across 2038-01-19", "default", &user_claims(), hour_from(2_147_483_000), 2_147_483_648),
        minted("lives across 2106-02-07", "default", &user_claims(), hour_from(4_294_967_000), 4_294_967_296),
        minted("ends with the year 9999", "default", &user_claims(), hour_from(LAST - 3600), LAST - 1),
        minted_for("scoped zone of two services, two dates", "storage", an_hour(), NOW),
        minted_for("scoped zone of one service, three dates", "compute", longest, NOW),
        minted_for("scoped zone at the end of the year 9999", "storage", hour_of_last_day, LAST - 1),
        Vector {
            ring: "storage",
            ..forged(
                "box of a scoped zone beside those of the STS and the default zone",
                Parts { boxes: scoped_boxes(), ..Parts::default() },
            )
        },
        forged("unknown field 1000 in the claims", Parts { body: future_body(), ..Parts::default() }),
        forged("boxes of foreign zones and kinds beside its own", Parts { boxes: many_boxes(), ..Parts::default() }),
    ]
}

fn minted(name: &'static str, ring: &'static str, claims: &Claims, lifetime: Lifetime, now: i64) -> Vector {
    let minted = mint(claims, lifetime, 1);
    let token = minted.security_token.expose().clone();
    Vector { outcome: "opens", name, ring, now, access_key_id: minted.access_key_id.to_string(), token }
}

fn minted_for(name: &'static str, ring: &'static str, lifetime: Lifetime, now: i64) -> Vector {
    let minted = mint_for(&[compute(), Zone::Default, storage()], lifetime);
    let token = minted.security_token.expose().clone();
    Vector { outcome: "opens", name, ring, now, access_key_id: minted.access_key_id.to_string(), token }
}

fn forged(name: &'static str, parts: Parts) -> Vector {
    let access_key_id = parts.access_key_id().to_string();
    Vector { outcome: "opens", name, ring: "sts", now: NOW, access_key_id, token: parts.token() }
}

fn tags(count: usize) -> Vec<brevet_validator::token::SessionTag> {
    (0..count).map(|i| tag(&i.to_string(), "", false)).collect()
}

fn future_body() -> Vec<u8> {
    [root_body(), b"\xc2\x3e\x06future".to_vec()].concat()
}

fn scoped_boxes() -> Vec<BoxPart> {
    let mut boxes = Parts::default().boxes;
    boxes.push(BoxPart::scoped("storage", 0x51, &["store", "queue"], &["20261122", "20261123"]));
    boxes.sort_by_key(|b| b.zone_id);
    boxes
}

fn many_boxes() -> Vec<BoxPart> {
    let mut boxes = vec![BoxPart::of("sts")];
    for i in 1..8 {
        let plain = vec![i; 32 * usize::from(i)];
        boxes.push(BoxPart { zone_id: [i, 1, 1, 1], kind: 1, count: i, plain, key: [i; 32] });
    }
    boxes.sort_by_key(|b| b.zone_id);
    boxes
}
