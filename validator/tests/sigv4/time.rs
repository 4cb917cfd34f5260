//! Dates, windows and the life of presigned requests.

use brevet_validator::signature::{PathStyle, Refusal, Rules};
use brevet_validator::timestamp::Timestamp;

use crate::fixtures::{NOW, get, incomplete, now, post, presigned, presigned_with, s3, sign_at, sts};
use crate::wire::{Wire, at};

#[test]
fn a12_date_stands_in_for_an_absent_amz_date_in_one_form_only() {
    let verdict = |dates: &[&str]| {
        let mut wire = post();
        wire.headers.remove("x-amz-date");
        wire.edit_authorization("x-amz-date;", "");
        for date in dates {
            wire.append("date", date);
        }
        wire.check(&sts(), now())
    };
    // The date is good, so that only the signature, made over x-amz-date, is wrong.
    assert_eq!(verdict(&["Wed, 01 Jul 2026 12:00:00 GMT"]), Err(Refusal::Mismatch));
    assert!(matches!(verdict(&["Wed, 01 Jul 2026 13:00:00 GMT"]), Err(Refusal::Time(_))));
    for bad in [
        "Wednesday, 01-Jul-26 12:00:00 GMT",
        "Wed Jul  1 12:00:00 2026",
        "Thu, 01 Jul 2026 12:00:00 GMT",
        "Wed, 1 Jul 2026 12:00:00 GMT",
        "Wed, 01 jul 2026 12:00:00 GMT",
        "Wed, 01 Jul 2026 12:00:00 UTC",
        "Wed, 01 Jul 2026 12:00:00 +0000",
        "",
    ] {
        assert!(matches!(verdict(&[bad]), Err(Refusal::Incomplete(_))), "{bad}");
    }
    assert!(matches!(verdict(&[]), Err(Refusal::Incomplete(_))));
    assert!(matches!(verdict(&["Wed, 01 Jul 2026 12:00:00 GMT"; 2]), Err(Refusal::Incomplete(_))));
}

#[test]
fn a12_amz_date_rules_over_date_and_stands_in_one_place() {
    let mut wire = post();
    wire.append("date", "Wed, 01 Jul 2026 13:00:00 GMT");
    assert_eq!(wire.check(&sts(), now()), Ok(()));
    let mut two_places = presigned();
    two_places.set("x-amz-date", NOW);
    incomplete(&two_places);
}

#[test]
fn a13_the_window_is_fifteen_minutes_to_the_second() {
    for (offset, good) in [(-901, false), (-900, true), (-899, true), (0, true), (899, true), (900, true), (901, false)]
    {
        let verdict = sign_at(Wire::new("POST", "/"), now() + offset).check(&sts(), now());
        assert_eq!(verdict.is_ok(), good, "{offset}: {verdict:?}");
    }
    let verdict = |signed: &str, now: &str| sign_at(Wire::new("POST", "/"), at(signed)).check(&sts(), at(now));
    assert_eq!(
        verdict("20210502T144040Z", "20210502T174643Z").unwrap_err().to_string(),
        "Signature expired: 20210502T144040Z is now earlier than 20210502T173143Z (20210502T174643Z - 15 min.)"
    );
    assert_eq!(
        verdict("20210502T194040Z", "20210502T174643Z").unwrap_err().to_string(),
        "Signature not yet current: 20210502T194040Z is still later than 20210502T180143Z (20210502T174643Z + 15 min.)"
    );
}

#[test]
fn a13_malformed_and_extreme_dates_are_refused() {
    for bad in [
        "20260230T000000Z",
        "20260701T235960Z",
        "20260701T120000+0800",
        "20260701T120000",
        "2026-07-01T12:00:00Z",
        "00000101T000000Z",
        "-2026701T120000Z",
        "２０２６0701T120000Z",
        "",
    ] {
        incomplete(&presigned_with("X-Amz-Date", bad));
        let mut wire = post();
        wire.set("x-amz-date", bad);
        incomplete(&wire);
    }
    let last = sign_at(Wire::new("POST", "/"), Timestamp::MAX);
    assert!(matches!(last.check(&sts(), now()), Err(Refusal::Time(_))));
    assert_eq!(last.check(&sts(), Timestamp::MAX), Ok(()));
    let first = sign_at(Wire::new("POST", "/"), Timestamp::EPOCH);
    assert!(matches!(first.check(&sts(), now()), Err(Refusal::Time(_))));
    assert_eq!(first.check(&sts(), Timestamp::EPOCH), Ok(()));
}

#[test]
fn a14_expires_is_one_to_604800_in_digits() {
    for bad in
        ["0", "-1", "604801", "999999", "1e30", "%2B60", "+60", "%2060", "6e1", "0x3c", "1000000", "６", "60.0", ""]
    {
        incomplete(&presigned_with("X-Amz-Expires", bad));
    }
    let mut missing = presigned();
    missing.query = missing.query.replace("X-Amz-Expires=60&", "");
    incomplete(&missing);
    for good in [1, 60, 604_800] {
        assert_eq!(get(PathStyle::General, "sts", "/", good).check(&sts(), now()), Ok(()));
    }
}

#[test]
fn a15_a_presigned_request_lives_from_its_date_for_the_shorter_of_what_it_and_we_say() {
    let week = get(PathStyle::S3, "s3", "/bucket/key", 604_800);
    for (rules, offset, good) in [
        (s3(), -901, false),
        (s3(), -900, true),
        (s3(), 604_800, true),
        (s3(), 604_801, false),
        (s3(), 604_800 + 14 * 60, false),
        (Rules { presigned_max: 900, ..s3() }, 900, true),
        (Rules { presigned_max: 900, ..s3() }, 901, false),
    ] {
        let verdict = week.check(&rules, now() + offset);
        assert_eq!(verdict.is_ok(), good, "{offset}: {verdict:?}");
        assert_eq!(good, !matches!(verdict, Err(Refusal::Time(_))));
    }
    let minute = get(PathStyle::S3, "s3", "/bucket/key", 61);
    assert_eq!(minute.check(&s3(), now() + 61), Ok(()));
    assert_eq!(
        minute.check(&s3(), now() + 62).unwrap_err().to_string(),
        "Signature expired: 20260701T120000Z is now earlier than 20260701T120001Z (20260701T120102Z - 61 sec.)"
    );
}
