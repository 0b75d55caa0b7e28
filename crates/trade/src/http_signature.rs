//! Signatures of HTTP requests between hubs: RFC 9421 with the digest of RFC 9530.
//!
//! A request with a body covers `@method`, `@target-uri` (or `@path`, where a proxy in front of the
//! hub rewrites scheme or host), `content-digest` and `content-type`; one without a body covers the
//! first two. The parameters are `created`, `keyid` and `tag`, always in this order; the tag holds
//! mode and purpose (see [`crate::key`]), so that a request of a sandbox is none in production.
//!
//! The parser takes the one form that is written here and refuses the rest of the grammar: other
//! components, orders, parameters and several signatures. Replays within the age limit are
//! harmless, since every message of the road is idempotent.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::card::Mode;
use crate::key::{Purpose, Signature, SigningKey, VerifyKey, context};
use crate::time::WallTime;

/// Longest of the three header fields that is read; ours have about 250 bytes.
pub const HEADER_MAX_BYTES: usize = 1_024;

/// A request may be under way for a while and clocks differ; five minutes is common practice.
pub const REQUEST_MAX_AGE_SECONDS: i64 = 300;

/// How far the other clock may run ahead of ours.
pub const CLOCK_AHEAD_SECONDS: i64 = 60;

/// The label of the one signature.
const LABEL: &str = "ehub";

/// Of a request's target, what is covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// `@target-uri`: scheme, host, path and query.
    Uri(&'a str),
    /// `@path`: the absolute path alone.
    Path(&'a str),
}

impl<'a> Target<'a> {
    const fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::Uri(uri) => ("@target-uri", uri),
            Self::Path(path) => ("@path", path),
        }
    }
}

/// What a request says, as far as it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// In capitals, `POST`.
    pub method: &'a str,
    pub target: Target<'a>,
    /// Media type and body, or neither.
    pub content: Option<Content<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    pub media_type: &'a str,
    pub body: &'a [u8],
}

/// The header fields that carry a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureHeaders {
    /// Only with a body.
    pub content_digest: Option<String>,
    pub signature_input: String,
    pub signature: String,
}

/// Why a request is not taken for signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum HttpSignatureFault {
    HeaderTooLong {
        header: String,
        bytes: usize,
        limit: usize,
    },
    /// The method, the target or the media type cannot stand in a signature.
    NotSignable {
        component: String,
    },
    /// `Signature-Input` is not in the form written here; `at` counts its bytes from 0.
    InputMalformed {
        at: usize,
    },
    /// `Signature` is not `ehub=:…:` with 64 bytes in base64.
    SignatureMalformed,
    /// `Content-Digest` is not `sha-256=:…:`, or missing beside a body, or there without one.
    DigestMalformed,
    /// The body is not the one that was signed.
    OtherBody {
        signed: String,
        got: String,
    },
    /// The components covered are not those that this request must cover.
    OtherComponents {
        expected: String,
        got: String,
    },
    /// Signed in the other mode, or for another purpose.
    OtherContext {
        expected: String,
        got: String,
    },
    TooOld {
        created: i64,
        now: i64,
        limit_seconds: i64,
    },
    FromTheFuture {
        created: i64,
        now: i64,
        limit_seconds: i64,
    },
    UnknownKey {
        keyid: String,
    },
    /// The key is known, but it did not sign this.
    BadSignature {
        keyid: String,
    },
}

/// Signs a request at wall time `created`.
pub fn sign_request(
    key: &SigningKey,
    request: &Request<'_>,
    created: WallTime,
) -> Result<SignatureHeaders, HttpSignatureFault> {
    let content_digest = request.content.map(|content| content_digest(content.body));
    let input = Input {
        components: components(request),
        created: created.seconds(),
        keyid: key.verify_key().id(),
        tag: context(key.mode(), Purpose::Request),
    };
    let base = signature_base(request, content_digest.as_deref(), &input)?;
    let signature = key.sign_raw(base.as_bytes());
    Ok(SignatureHeaders {
        content_digest,
        signature_input: format!("{LABEL}={input}"),
        signature: format!("{LABEL}=:{}:", signature.base64()),
    })
}

/// Checks a request in this order: form of the headers, what is covered, mode and purpose, digest
/// of the body, age, key, signature. Returns the key that signed.
pub fn verify_request<'k>(
    keys: &'k [VerifyKey],
    mode: Mode,
    request: &Request<'_>,
    headers: &SignatureHeaders,
    now: WallTime,
    max_age_seconds: i64,
) -> Result<&'k VerifyKey, HttpSignatureFault> {
    for (header, value) in [
        ("content-digest", headers.content_digest.as_deref().unwrap_or_default()),
        ("signature-input", &headers.signature_input),
        ("signature", &headers.signature),
    ] {
        if value.len() > HEADER_MAX_BYTES {
            let (header, bytes) = (header.to_owned(), value.len());
            return Err(HttpSignatureFault::HeaderTooLong { header, bytes, limit: HEADER_MAX_BYTES });
        }
    }
    let input = Input::read(&headers.signature_input)?;
    let signature = headers
        .signature
        .strip_prefix(LABEL)
        .and_then(|rest| rest.strip_prefix("=:"))
        .and_then(|rest| rest.strip_suffix(':'))
        .and_then(Signature::from_base64)
        .ok_or(HttpSignatureFault::SignatureMalformed)?;
    let expected = components(request);
    if input.components != expected {
        let (expected, got) = (list(&expected), list(&input.components));
        return Err(HttpSignatureFault::OtherComponents { expected, got });
    }
    let expected = context(mode, Purpose::Request);
    if input.tag != expected {
        return Err(HttpSignatureFault::OtherContext { expected, got: input.tag });
    }
    check_digest(request, headers.content_digest.as_deref())?;
    let (created, seconds) = (input.created, now.seconds());
    if created < seconds.saturating_sub(max_age_seconds) {
        return Err(HttpSignatureFault::TooOld { created, now: seconds, limit_seconds: max_age_seconds });
    }
    if created > seconds.saturating_add(CLOCK_AHEAD_SECONDS) {
        let limit_seconds = CLOCK_AHEAD_SECONDS;
        return Err(HttpSignatureFault::FromTheFuture { created, now: seconds, limit_seconds });
    }
    let key = keys
        .iter()
        .find(|key| key.mode() == mode && key.id() == input.keyid)
        .ok_or_else(|| HttpSignatureFault::UnknownKey { keyid: input.keyid.clone() })?;
    let base = signature_base(request, headers.content_digest.as_deref(), &input)?;
    if key.verify_raw(base.as_bytes(), &signature) {
        Ok(key)
    } else {
        Err(HttpSignatureFault::BadSignature { keyid: input.keyid })
    }
}

/// The id of the key by which a request claims to be signed, so that the keys of the right peer can
/// be found. It says nothing yet about whether that is so.
pub fn claimed_key_id(headers: &SignatureHeaders) -> Result<String, HttpSignatureFault> {
    Input::read(&headers.signature_input).map(|input| input.keyid)
}

/// `Content-Digest` of a body (RFC 9530): `sha-256=:<base64>:`.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(body)))
}

fn check_digest(request: &Request<'_>, header: Option<&str>) -> Result<(), HttpSignatureFault> {
    match (request.content, header) {
        (None, None) => Ok(()),
        (Some(content), Some(signed)) => {
            let encoded = signed.strip_prefix("sha-256=:").and_then(|rest| rest.strip_suffix(':'));
            let decoded = encoded.and_then(|text| STANDARD.decode(text).ok());
            if decoded.is_none_or(|hash| hash.len() != 32) {
                return Err(HttpSignatureFault::DigestMalformed);
            }
            let got = content_digest(content.body);
            if got == signed { Ok(()) } else { Err(HttpSignatureFault::OtherBody { signed: signed.to_owned(), got }) }
        }
        _ => Err(HttpSignatureFault::DigestMalformed),
    }
}

/// The components that a request must cover, in order.
fn components(request: &Request<'_>) -> Vec<&'static str> {
    let mut covered = vec!["@method", request.target.parts().0];
    if request.content.is_some() {
        covered.extend(["content-digest", "content-type"]);
    }
    covered
}

fn list(components: &[&str]) -> String {
    components.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" ")
}

/// The signature base (RFC 9421 section 2.5): a line for each component, then the parameters.
fn signature_base(request: &Request<'_>, digest: Option<&str>, input: &Input) -> Result<String, HttpSignatureFault> {
    let (_, target) = request.target.parts();
    let media_type = request.content.map_or("", |content| content.media_type);
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase());
    let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    let is_field = |text: &str| text.trim() == text && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    for (component, signable) in [
        ("@method", is_token(request.method)),
        (request.target.parts().0, is_plain(target)),
        ("content-type", is_field(media_type)),
    ] {
        if !signable {
            return Err(HttpSignatureFault::NotSignable { component: component.to_owned() });
        }
    }
    let mut base = String::new();
    for name in &input.components {
        let value = match *name {
            "@method" => request.method,
            "content-digest" => digest.unwrap_or_default(),
            "content-type" => media_type,
            _ => target,
        };
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {input}"));
    Ok(base)
}

/// The components covered and the parameters; its text is what `Signature-Input` says after the label.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Input {
    components: Vec<&'static str>,
    created: i64,
    keyid: String,
    tag: String,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { components, created, keyid, tag } = self;
        write!(f, "({});created={created};keyid=\"{keyid}\";tag=\"{tag}\"", list(components))
    }
}

const COMPONENTS: [&str; 5] = ["@method", "@target-uri", "@path", "content-digest", "content-type"];

impl Input {
    fn read(header: &str) -> Result<Self, HttpSignatureFault> {
        let mut rest = Rest { text: header, at: 0 };
        rest.take(LABEL)?;
        rest.take("=(")?;
        let mut components = Vec::new();
        loop {
            let name = rest.quoted()?;
            let known = COMPONENTS.into_iter().find(|known| *known == name);
            components.push(known.ok_or(HttpSignatureFault::InputMalformed { at: rest.at })?);
            if components.len() == COMPONENTS.len() || rest.take(" ").is_err() {
                break;
            }
        }
        rest.take(");created=")?;
        let created = rest.number()?;
        rest.take(";keyid=")?;
        let keyid = rest.quoted()?.to_owned();
        rest.take(";tag=")?;
        let tag = rest.quoted()?.to_owned();
        if rest.at != header.len() {
            return Err(HttpSignatureFault::InputMalformed { at: rest.at });
        }
        Ok(Self { components, created, keyid, tag })
    }
}

struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    const fn fault(&self) -> HttpSignatureFault {
        HttpSignatureFault::InputMalformed { at: self.at }
    }

    fn left(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, expected: &str) -> Result<(), HttpSignatureFault> {
        if !self.left().starts_with(expected) {
            return Err(self.fault());
        }
        self.at += expected.len();
        Ok(())
    }

    /// A string of printable ASCII without quotes and backslashes, which we never write.
    fn quoted(&mut self) -> Result<&'a str, HttpSignatureFault> {
        self.take("\"")?;
        let (text, _) = self.left().split_once('"').ok_or_else(|| self.fault())?;
        if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(self.fault());
        }
        self.at += text.len() + 1;
        Ok(text)
    }

    /// Digits without a leading zero, as an integer of RFC 8941 (at most 15 of them).
    fn number(&mut self) -> Result<i64, HttpSignatureFault> {
        let digits = self.left().bytes().take_while(u8::is_ascii_digit).count();
        let text = &self.left()[..digits];
        let plain = digits <= 15 && (text == "0" || !text.starts_with('0'));
        let number = plain.then(|| text.parse().ok()).flatten().ok_or_else(|| self.fault())?;
        self.at += digits;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: WallTime = WallTime::from_micros(1_795_395_600_000_000);
    const BODY: &[u8] = br#"{"entries":[]}"#;

    fn key(mode: Mode) -> SigningKey {
        SigningKey::from_secret("kul.sandbox".parse().unwrap(), mode, &[7; 32])
    }

    fn post(target: Target<'static>) -> Request<'static> {
        Request { method: "POST", target, content: Some(Content { media_type: "application/json", body: BODY }) }
    }

    fn batch() -> Request<'static> {
        post(Target::Uri("https://hgh.example/road/batches"))
    }

    fn check(request: &Request<'_>, headers: &SignatureHeaders, now: WallTime) -> Result<String, HttpSignatureFault> {
        let keys = [key(Mode::Sandbox).verify_key()];
        verify_request(&keys, Mode::Sandbox, request, headers, now, REQUEST_MAX_AGE_SECONDS).map(VerifyKey::id)
    }

    #[test]
    fn the_signature_base_is_that_of_rfc_9421() {
        let headers = sign_request(&key(Mode::Sandbox), &batch(), NOW).unwrap();
        let input = Input::read(&headers.signature_input).unwrap();
        let keyid = key(Mode::Sandbox).verify_key().id();
        let digest = headers.content_digest.clone().unwrap();
        let params = format!(
            "(\"@method\" \"@target-uri\" \"content-digest\" \"content-type\");created=1795395600;keyid=\"{keyid}\";tag=\"ehub/v1/sandbox/request\""
        );
        assert_eq!(headers.signature_input, format!("ehub={params}"));
        assert_eq!(
            signature_base(&batch(), Some(&digest), &input).unwrap(),
            format!(
                "\"@method\": POST\n\"@target-uri\": https://hgh.example/road/batches\n\"content-digest\": {digest}\n\"content-type\": application/json\n\"@signature-params\": {params}"
            )
        );
        // The example body of RFC 9530, appendix D: {"hello": "world"} and a line feed
        assert_eq!(
            content_digest(b"{\"hello\": \"world\"}\n"),
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
        );
    }

    #[test]
    fn a_signed_request_is_taken_with_and_without_a_body() {
        let bare = |target| Request { method: "GET", target, content: None };
        for request in [
            batch(),
            post(Target::Path("/road/batches")),
            bare(Target::Uri("https://hgh.example/log/checkpoint?epoch=1")),
            bare(Target::Path("/log/checkpoint")),
        ] {
            let headers = sign_request(&key(Mode::Sandbox), &request, NOW).unwrap();
            assert_eq!(check(&request, &headers, NOW), Ok(key(Mode::Sandbox).verify_key().id()));
            assert_eq!(claimed_key_id(&headers), Ok(key(Mode::Sandbox).verify_key().id()));
        }
    }

    #[test]
    fn a_request_altered_after_signing_is_refused() {
        use HttpSignatureFault as Fault;
        let headers = sign_request(&key(Mode::Sandbox), &batch(), NOW).unwrap();
        let bad = || Err(Fault::BadSignature { keyid: key(Mode::Sandbox).verify_key().id() });
        let elsewhere = post(Target::Uri("https://sin.example/road/batches"));
        assert_eq!(check(&elsewhere, &headers, NOW), bad());
        assert_eq!(check(&Request { method: "PUT", ..batch() }, &headers, NOW), bad());
        let content = Content { media_type: "text/plain", body: BODY };
        assert_eq!(check(&Request { content: Some(content), ..batch() }, &headers, NOW), bad());
        let content = Content { media_type: "application/json", body: b"{}" };
        assert!(matches!(
            check(&Request { content: Some(content), ..batch() }, &headers, NOW),
            Err(Fault::OtherBody { .. })
        ));
        // The digest changed with the body
        let changed = SignatureHeaders { content_digest: Some(content_digest(b"{}")), ..headers.clone() };
        assert_eq!(check(&Request { content: Some(content), ..batch() }, &changed, NOW), bad());
        // Cut down to what a bare request covers, or shown as covering the path alone
        assert!(matches!(
            check(&Request { content: None, ..batch() }, &headers, NOW),
            Err(Fault::OtherComponents { .. })
        ));
        assert!(matches!(
            check(&post(Target::Path("/road/batches")), &headers, NOW),
            Err(Fault::OtherComponents { .. })
        ));
        let bare = SignatureHeaders { content_digest: None, ..headers.clone() };
        assert_eq!(check(&batch(), &bare, NOW), Err(Fault::DigestMalformed));
        let odd = SignatureHeaders { content_digest: Some("sha-256=:AAAA:".into()), ..headers };
        assert_eq!(check(&batch(), &odd, NOW), Err(Fault::DigestMalformed));
    }

    #[test]
    fn a_request_is_good_for_five_minutes_in_its_own_mode() {
        use HttpSignatureFault as Fault;
        let headers = sign_request(&key(Mode::Sandbox), &batch(), NOW).unwrap();
        for (seconds, good) in [(-61, false), (-60, true), (0, true), (300, true), (301, false)] {
            assert_eq!(check(&batch(), &headers, NOW.plus_seconds(seconds)).is_ok(), good, "{seconds}");
        }
        assert_eq!(
            check(&batch(), &headers, NOW.plus_seconds(301)),
            Err(Fault::TooOld { created: 1_795_395_600, now: 1_795_395_901, limit_seconds: 300 })
        );
        let later = SignatureHeaders {
            signature_input: headers.signature_input.replace("1795395600", "1795395700"),
            ..headers.clone()
        };
        assert!(matches!(check(&batch(), &later, NOW.plus_seconds(301)), Err(Fault::BadSignature { .. })));
        let production = sign_request(&key(Mode::Production), &batch(), NOW).unwrap();
        assert_eq!(
            check(&batch(), &production, NOW),
            Err(Fault::OtherContext {
                expected: "ehub/v1/sandbox/request".into(),
                got: "ehub/v1/production/request".into()
            })
        );
        let stranger = SigningKey::from_secret("sin.sandbox".parse().unwrap(), Mode::Sandbox, &[8; 32]);
        let unknown = sign_request(&stranger, &batch(), NOW).unwrap();
        assert!(matches!(check(&batch(), &unknown, NOW), Err(Fault::UnknownKey { .. })));
    }

    #[test]
    fn what_cannot_stand_on_one_line_is_not_signed() {
        let sign = |request: &Request<'_>| sign_request(&key(Mode::Sandbox), request, NOW);
        let fault = |component: &str| Err(HttpSignatureFault::NotSignable { component: component.into() });
        assert_eq!(sign(&Request { method: "po st", ..batch() }), fault("@method"));
        assert_eq!(sign(&post(Target::Uri("https://hgh.example/\n\"@method\": GET"))), fault("@target-uri"));
        assert_eq!(sign(&post(Target::Path(""))), fault("@path"));
        let content = Some(Content { media_type: "text/plain\nx", body: BODY });
        assert_eq!(sign(&Request { content, ..batch() }), fault("content-type"));
    }

    #[test]
    fn only_the_form_that_is_written_is_read() {
        let good = sign_request(&key(Mode::Sandbox), &batch(), NOW).unwrap().signature_input;
        for (from, to) in [
            ("ehub=", "sig1="),
            ("\"@method\" ", "\"@authority\" "),
            ("\"@method\" ", "\"@method\"  "),
            (";created=1795395600", ""),
            ("=1795395600", "=01795395600"),
            ("=1795395600", "=-1795395600"),
            ("=1795395600", "=9999999999999999"),
            (";keyid", ";alg=\"ed25519\";keyid"),
            ("request\"", "request\";nonce=\"1\""),
            ("request\"", "request\\\"\""),
        ] {
            let other = good.replace(from, to);
            assert_ne!(other, good);
            assert!(matches!(Input::read(&other), Err(HttpSignatureFault::InputMalformed { .. })), "{other}");
        }
        let headers =
            SignatureHeaders { content_digest: None, signature_input: "x".repeat(2000), signature: String::new() };
        assert!(matches!(check(&batch(), &headers, NOW), Err(HttpSignatureFault::HeaderTooLong { bytes: 2000, .. })));
    }

    proptest! {
        #[test]
        fn reading_arbitrary_headers_never_panics(
            input in "(?s).{0,120}", signature in "(?s).{0,120}", digest in prop::option::of("(?s).{0,80}"),
            method in ".{0,8}", target in ".{0,40}", media_type in ".{0,20}",
        ) {
            let headers = SignatureHeaders { content_digest: digest, signature_input: input, signature };
            let content = Some(Content { media_type: &media_type, body: BODY });
            let request = Request { method: &method, target: Target::Uri(&target), content };
            prop_assert!(check(&request, &headers, NOW).is_err());
            let _ = sign_request(&key(Mode::Sandbox), &request, NOW);
        }

        #[test]
        fn no_altered_header_is_taken(which in 0_usize..3, position in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
            let good = sign_request(&key(Mode::Sandbox), &batch(), NOW).unwrap();
            let mut headers = good.clone();
            let field = match which {
                0 => headers.content_digest.as_mut().unwrap(),
                1 => &mut headers.signature_input,
                _ => &mut headers.signature,
            };
            let position = position.index(field.len());
            field.replace_range(position..=position, &char::from(byte).to_string());
            prop_assert_eq!(check(&batch(), &headers, NOW).is_ok(), headers == good);
        }
    }
}
