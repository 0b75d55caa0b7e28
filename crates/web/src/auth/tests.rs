use axum::http::HeaderValue;

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(n, v)| (header::HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
}

#[test]
fn a_post_from_another_site_is_refused_and_a_machine_without_origin_is_not() {
    let check = |pairs: &[(&'static str, &'static str)], same: bool| {
        assert_eq!(is_same_site(&headers(pairs)), same, "{pairs:?}");
    };
    check(&[("host", "hub.example"), ("sec-fetch-site", "same-origin")], true);
    check(&[("host", "hub.example"), ("sec-fetch-site", "cross-site")], false);
    // Another hub on the same machine is "same-site", and still another hub.
    check(&[("host", "localhost:1"), ("sec-fetch-site", "same-site")], false);
    check(&[("host", "hub.example"), ("origin", "https://hub.example")], true);
    check(&[("host", "hub.example"), ("origin", "https://evil.example")], false);
    check(&[("host", "hub.example"), ("origin", "null")], false);
    check(&[("host", "hub.example")], true);
}

#[test]
fn wrong_passwords_close_an_account_until_the_window_ends() {
    let doorman = Doorman::default();
    let start = WallTime::from_micros(0);
    for _ in 0..WRONG_MAX {
        assert!(doorman.may_try("a", start).is_ok());
        doorman.was_wrong("a", start);
    }
    let refused = doorman.may_try("a", start.plus_seconds(60)).unwrap_err();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(doorman.may_try("b", start).is_ok());
    assert!(doorman.may_try("a", start.plus_seconds(WRONG_WINDOW_SECONDS)).is_ok());
}

#[test]
fn a_password_is_known_by_its_argon2_hash_alone() {
    let salt = SaltString::encode_b64(&[1; 16]).unwrap();
    let hash = argon2().hash_password(b"correct horse battery", &salt).unwrap().to_string();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    let parsed = PasswordHash::new(&hash).unwrap();
    assert!(argon2().verify_password(b"correct horse battery", &parsed).is_ok());
    assert!(argon2().verify_password(b"correct horse", &parsed).is_err());
}
