//! Where a bundle was altered: the seal's digests, and the way from a byte to a JSON pointer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BundleFault, Intact};
use crate::key::Signature;
use crate::log::Hash;

/// Bytes for each digest of the seal: small enough to try every byte in it, and the digests then
/// add one eighth to the file.
pub const CHUNK_BYTES: usize = 64;

/// Six bytes of hash, in base64 without padding. They need only find a place; that nothing was
/// altered is proved by the whole hash and its signature.
const DIGEST_CHARS: usize = 8;

const BEFORE_DIGESTS: &str = "\"seal\":{\"chunk\":64,\"digests\":\"";
const BEFORE_HASH: &str = "\",\"sha256\":\"";
const BEFORE_SIGNATURE: &str = "\",\"signature\":\"";
const AFTER_SIGNATURE: &str = "\"}\n}\n";
const HASH_CHARS: usize = 64;
const SIGNATURE_CHARS: usize = 88;

/// More altered places than this are not listed one by one.
const PLACES_MAX: usize = 16;

/// More parts than this are not listed for one place.
const POINTERS_MAX: usize = 8;

/// Deeper than any bundle, and than what the JSON reader takes.
const DEPTH_MAX: usize = 128;

/// A stretch of the file: bytes `from..to`, counted from 0; line and column of the first, from 1,
/// the column in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub from: usize,
    pub to: usize,
    pub line: usize,
    pub column: usize,
    /// JSON pointers (RFC 6901) to the parts that lie in it.
    pub pointers: Vec<String>,
    /// The byte that stood here, if exactly one was altered and could be found out.
    pub was: Option<u8>,
}

/// The file: body, digests, hash and signature.
pub(super) fn sealed(body: Vec<u8>, signature: &Signature) -> Vec<u8> {
    let seal = [
        BEFORE_DIGESTS,
        &digests(&body),
        BEFORE_HASH,
        &Hash::of(&body).hex(),
        BEFORE_SIGNATURE,
        &signature.base64(),
        AFTER_SIGNATURE,
    ];
    let mut file = body;
    file.extend(seal.concat().into_bytes());
    file
}

fn chunk_digest(number: usize, chunk: &[u8]) -> [u8; 6] {
    let number = u64::try_from(number).expect("a number of chunks fits in 64 bits");
    let hash = Sha256::new().chain_update(number.to_be_bytes()).chain_update(chunk).finalize();
    let mut digest = [0; 6];
    digest.copy_from_slice(&hash[..6]);
    digest
}

fn digests(body: &[u8]) -> String {
    body.chunks(CHUNK_BYTES).enumerate().map(|(n, chunk)| STANDARD.encode(chunk_digest(n, chunk))).collect()
}

/// Length of the body in a file of this length. Each length of a body gives another length of file.
fn body_length(file: usize) -> Option<usize> {
    let fixed = [BEFORE_DIGESTS, BEFORE_HASH, BEFORE_SIGNATURE, AFTER_SIGNATURE].concat().len();
    let rest = file.checked_sub(fixed + HASH_CHARS + SIGNATURE_CHARS)?;
    // n chunks take up to n · 64 bytes of body and exactly n · 8 of digests.
    let chunks = rest.div_ceil(CHUNK_BYTES + DIGEST_CHARS);
    let body = rest.checked_sub(chunks * DIGEST_CHARS)?;
    (body.div_ceil(CHUNK_BYTES) == chunks).then_some(body)
}

/// Where the seal of a file begins whose length was not changed.
#[cfg(test)]
pub(super) fn seal_begins(file: &[u8]) -> Option<usize> {
    body_length(file.len())
}

/// The parts of the seal as ranges of the file, in order; every other one is fixed text.
struct Layout {
    digests: (usize, usize),
    hash: (usize, usize),
    signature: (usize, usize),
}

impl Layout {
    fn of(body: usize) -> Self {
        let digests = body + BEFORE_DIGESTS.len();
        let digests = (digests, digests + body.div_ceil(CHUNK_BYTES) * DIGEST_CHARS);
        let hash = digests.1 + BEFORE_HASH.len();
        let hash = (hash, hash + HASH_CHARS);
        let signature = hash.1 + BEFORE_SIGNATURE.len();
        Self { digests, hash, signature: (signature, signature + SIGNATURE_CHARS) }
    }
}

/// Compares every byte with the seal.
pub(super) fn check(file: &[u8]) -> Result<Intact, BundleFault> {
    let Some(length) = body_length(file.len()) else { return Err(seal_moved(file)) };
    let (body, seal) = file.split_at(length);
    let layout = Layout::of(length);
    let slot = |(from, to): (usize, usize)| &file[from..to];
    // The seal as it should be for this body, with the signature that stands there.
    let hash = Hash::of(body);
    let expected = [
        BEFORE_DIGESTS.as_bytes(),
        digests(body).as_bytes(),
        BEFORE_HASH.as_bytes(),
        hash.hex().as_bytes(),
        BEFORE_SIGNATURE.as_bytes(),
        slot(layout.signature),
        AFTER_SIGNATURE.as_bytes(),
    ]
    .concat();
    let differing: Vec<usize> =
        (length..).zip(seal.iter().zip(&expected)).filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
    let within = |(from, to): (usize, usize)| differing.iter().any(|at| (from..to).contains(at));
    let (digests_differ, hash_differs) = (within(layout.digests), within(layout.hash));
    let is_fixed = |at: &usize| {
        ![layout.digests, layout.hash, layout.signature].iter().any(|(from, to)| (*from..*to).contains(at))
    };
    let fixed: Vec<usize> = differing.iter().copied().filter(is_fixed).collect();
    if !fixed.is_empty() && seal_found(file).is_some_and(|found| found != length) {
        return Err(seal_moved(file));
    }
    let signature = std::str::from_utf8(slot(layout.signature)).ok().and_then(Signature::from_base64);
    let unsigned = signature.is_none().then(|| at_signature(file));
    if let (true, Some(signature)) = (differing.is_empty(), signature) {
        return Ok(Intact { length, hash, signature });
    }
    // Two of body, digests and hash agree unless more than one was altered.
    let mut places = if digests_differ && hash_differs {
        altered_chunks(file, body, layout.digests)
    } else {
        let part = if hash_differs { layout.hash } else { layout.digests };
        let bytes: Vec<usize> = differing.iter().copied().filter(|at| (part.0..part.1).contains(at)).collect();
        let pointer = if hash_differs { "/seal/sha256" } else { "/seal/digests" };
        stretch(file, &bytes, pointer, &expected, length).into_iter().collect()
    };
    places.extend(stretch(file, &fixed, "/seal", &expected, length));
    places.extend(unsigned);
    Err(BundleFault::Altered { places, moved: false })
}

/// Where the seal begins by its first words, for a file whose length was changed.
fn seal_found(file: &[u8]) -> Option<usize> {
    let words = BEFORE_DIGESTS.as_bytes();
    file.windows(words.len()).rposition(|window| window == words)
}

/// The seal is not where it should be: from the first chunk that differs from its digest, all has moved.
fn seal_moved(file: &[u8]) -> BundleFault {
    let Some(length) = seal_found(file) else { return BundleFault::NotABundle };
    let (body, seal) = file.split_at(length);
    let stated = seal.get(BEFORE_DIGESTS.len()..).unwrap_or_default().chunks(DIGEST_CHARS);
    let differs = body
        .chunks(CHUNK_BYTES)
        .enumerate()
        .zip(stated.map(Some).chain(std::iter::repeat(None)))
        .find(|((n, chunk), stated)| Some(STANDARD.encode(chunk_digest(*n, chunk)).as_bytes()) != *stated);
    let place = match differs {
        Some(((number, _), _)) => {
            let from = number * CHUNK_BYTES;
            // What was removed may have ended the chunk before, and the seal follows the last.
            place(file, from, file.len(), pointers(body, from, length), None)
        }
        None => place(file, length, file.len(), vec!["/seal".to_owned()], None),
    };
    BundleFault::Altered { places: vec![place], moved: true }
}

/// The chunks that differ from their digests, joined where they touch; where one differs by a
/// single byte, that byte.
fn altered_chunks(file: &[u8], body: &[u8], (from, to): (usize, usize)) -> Vec<Place> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    let stated = file[from..to].chunks(DIGEST_CHARS);
    for ((number, chunk), stated) in body.chunks(CHUNK_BYTES).enumerate().zip(stated) {
        if STANDARD.encode(chunk_digest(number, chunk)).as_bytes() == stated {
            continue;
        }
        match runs.last_mut() {
            Some((_, last)) if *last == number => *last = number + 1,
            _ => runs.push((number, number + 1)),
        }
    }
    if runs.len() > PLACES_MAX {
        let last = runs.last().map_or(0, |run| run.1);
        runs.truncate(PLACES_MAX);
        if let Some(run) = runs.last_mut() {
            run.1 = last;
        }
    }
    runs.into_iter()
        .map(|(first, last)| {
            let (from, to) = (first * CHUNK_BYTES, (last * CHUNK_BYTES).min(body.len()));
            let digest = from_digest(file, first, body.len());
            match digest.filter(|_| last == first + 1).and_then(|d| repair(first, &body[from..to], d)) {
                Some((offset, was)) => {
                    let at = from + offset;
                    let mut mended = body.to_vec();
                    mended[at] = was;
                    place(file, at, at + 1, pointers(&mended, at, at + 1), Some(was))
                }
                None => place(file, from, to, pointers(body, from, to), None),
            }
        })
        .collect()
}

fn from_digest(file: &[u8], number: usize, body: usize) -> Option<[u8; 6]> {
    let from = body + BEFORE_DIGESTS.len() + number * DIGEST_CHARS;
    STANDARD.decode(file.get(from..from + DIGEST_CHARS)?).ok()?.try_into().ok()
}

/// Tries every other value of every byte: 64 · 255 hashes at most.
fn repair(number: usize, chunk: &[u8], digest: [u8; 6]) -> Option<(usize, u8)> {
    let mut tried = chunk.to_vec();
    for at in 0..chunk.len() {
        for value in (0..=u8::MAX).filter(|value| *value != chunk[at]) {
            tried[at] = value;
            if chunk_digest(number, &tried) == digest {
                return Some((at, value));
            }
        }
        tried[at] = chunk[at];
    }
    None
}

/// The bytes of the seal that differ from what they should be, as one place.
fn stretch(file: &[u8], bytes: &[usize], pointer: &str, expected: &[u8], length: usize) -> Option<Place> {
    let (first, last) = (*bytes.first()?, *bytes.last()?);
    let was = (first == last).then(|| expected.get(first - length).copied()).flatten();
    Some(place(file, first, last + 1, vec![pointer.to_owned()], was))
}

/// The signature of the seal.
pub(super) fn at_signature(file: &[u8]) -> Place {
    let (from, to) = Layout::of(body_length(file.len()).unwrap_or(0)).signature;
    place(file, from.min(file.len()), to.min(file.len()), vec!["/seal/signature".to_owned()], None)
}

fn place(file: &[u8], from: usize, to: usize, pointers: Vec<String>, was: Option<u8>) -> Place {
    let before = &file[..from];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
    Place { from, to, line, column, pointers, was }
}

/// One level of the JSON that is being walked: a key of an object, or a place in an array.
enum Level {
    Object { key: Option<String>, awaits_key: bool },
    Array { index: usize },
}

/// Pointers to the values and keys that lie in `from..to`. The text is walked from its beginning,
/// which is intact up to `from`; where it is damaged after that, the walk goes on as far as it can.
fn pointers(body: &[u8], from: usize, to: usize) -> Vec<String> {
    let mut levels: Vec<Level> = Vec::new();
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while at < to && at < body.len() {
        let (begins, byte) = (at, body[at]);
        at += 1;
        let mut is_part = true;
        // A bracket belongs to the value that it opens, not to the first in it.
        let opened = matches!(byte, b'{' | b'[').then(|| pointer(&levels));
        match byte {
            b'{' if levels.len() < DEPTH_MAX => levels.push(Level::Object { key: None, awaits_key: true }),
            b'[' if levels.len() < DEPTH_MAX => levels.push(Level::Array { index: 0 }),
            b'}' | b']' => drop(levels.pop()),
            b',' => match levels.last_mut() {
                Some(Level::Array { index }) => *index += 1,
                Some(Level::Object { key, awaits_key }) => (*key, *awaits_key) = (None, true),
                None => {}
            },
            b':' | b' ' | b'\n' => is_part = false,
            b'"' => {
                while at < body.len() && body[at] != b'"' {
                    at += if body[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + 1).min(body.len());
                if let Some(Level::Object { key, awaits_key: awaits_key @ true }) = levels.last_mut() {
                    let text = std::str::from_utf8(&body[begins..at]).ok();
                    let name = text.and_then(|text| serde_json::from_str::<String>(text).ok());
                    (*key, *awaits_key) = (name, false);
                }
            }
            _ => {
                while at < body.len() && !matches!(body[at], b',' | b'}' | b']' | b'\n' | b' ' | b'"') {
                    at += 1;
                }
            }
        }
        if is_part && at > from && found.len() < POINTERS_MAX {
            let pointer = opened.unwrap_or_else(|| pointer(&levels));
            if !found.contains(&pointer) {
                found.push(pointer);
            }
        }
    }
    if found.is_empty() {
        found.push(pointer(&levels));
    }
    found
}

fn pointer(levels: &[Level]) -> String {
    let mut text = String::new();
    for level in levels {
        match level {
            Level::Object { key: Some(key), .. } => {
                text.push('/');
                text.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Level::Object { key: None, .. } => {}
            Level::Array { index } => text.push_str(&format!("/{index}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_the_file_tells_where_the_seal_begins() {
        for length in 0..2_000 {
            let file = sealed(vec![b'x'; length], &Signature::from_bytes([1; 64]));
            assert_eq!(body_length(file.len()), Some(length));
            assert!(check(&file).is_ok_and(|intact| intact.length == length));
        }
    }

    #[test]
    fn pointers_follow_objects_arrays_and_escapes() {
        let body = br#"{"a": [1, {"b/c": "x\"y"}, []], "d": {"e~": null}}"#;
        for (part, expected) in [
            ("1,", "/a/0"),
            ("x\\\"", "/a/1/b~1c"),
            ("b/c", "/a/1/b~1c"),
            ("[]", "/a/2"),
            ("null", "/d/e~0"),
            ("\"d\"", "/d"),
        ] {
            let at = body.windows(part.len()).position(|w| w == part.as_bytes()).unwrap();
            assert_eq!(pointers(body, at, at + 1), [expected], "{part}");
        }
        assert_eq!(pointers(body, 0, body.len()).len(), 8);
        for cut in 0..body.len() {
            let _ = pointers(&body[cut..], 0, body.len());
            let _ = pointers(&body[..cut], cut / 2, body.len());
        }
    }
}
