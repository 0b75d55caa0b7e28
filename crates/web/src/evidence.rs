//! Evidence: taken in from forms and from JSON, shown to the parties of its trade, and on the other
//! side's hub by a signed question from hub to hub. The log never holds it.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Multipart, OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hub::evidence::KeptEvidence;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trade::codes::HubId;
use trade::commands::Command;
use trade::evidence::{
    EVIDENCE_MAX, EVIDENCE_MAX_BYTES, Evidence, EvidenceKind, EvidenceRefusal, KEEP_EVIDENCE, STATEMENT_MAX, commitment,
};
use trade::log::Hash;
use trade::party::{Party, Role};
use trade::trade_file::{TradeFile, TradeId};

use crate::AppState;
use crate::auth::Signed;
use crate::client::client;
use crate::door::{Doors, May, get, parts, post};
use crate::i18n::Tr;
use crate::problem::{Answer, Failure};
use crate::pump;
use crate::recovery::asked;
use crate::schema::{Schema, list, text};
use crate::trade_file::{self, Viewer, next};

const ROAD_PATH: &str = "/road/v1/evidence";

/// How long a page waits for the other hub's words.
const PAGE_WAITS: std::time::Duration = std::time::Duration::from_secs(2);

/// Both parties, and the operator who decides.
const SEES: May = parts(&[Role::Seller, Role::Buyer, Role::Operator]);

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/trades/{id}/evidence/{sha256}", SEES), show)
        .open(get("/api/v1/trades/{id}/evidence/{sha256}", SEES).gives_file("*/*"), show)
        .open(post(ROAD_PATH, May::Peer).json("{}"), give)
}

/// What a party brings forward in JSON: a statement, and documents in base64.
#[must_use]
pub fn brought_shape() -> [(&'static str, Schema); 2] {
    [("statement?", text().max(STATEMENT_MAX)), ("documents?", list(text()).at_most(EVIDENCE_MAX))]
}

/// What a party brings forward.
pub struct Piece {
    kind: EvidenceKind,
    media: &'static str,
    contents: Vec<u8>,
}

/// A form with its fields and what was brought with it.
pub struct Brought {
    pub fields: BTreeMap<String, String>,
    pub pieces: Vec<Piece>,
}

impl Brought {
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |text| text.trim())
    }

    /// Reads a form: a statement, files, and short fields.
    pub async fn read(mut form: Multipart) -> Answer<Self> {
        let broken = |_| Failure::new(StatusCode::BAD_REQUEST, "http-400");
        let too_large = |_| Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "http-413");
        let mut brought = Self { fields: BTreeMap::new(), pieces: Vec::new() };
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            if name == "file" {
                let bytes = field.bytes().await.map_err(too_large)?;
                if !bytes.is_empty() {
                    brought.add(document(bytes.to_vec())?)?;
                }
            } else {
                let text = field.text().await.map_err(broken)?;
                brought.fields.insert(name, text);
            }
        }
        let statement = brought.field("statement").to_owned();
        if !statement.is_empty() {
            brought.add(spoken(&statement)?)?;
        }
        Ok(brought)
    }

    fn add(&mut self, piece: Piece) -> Answer<()> {
        if self.pieces.len() >= EVIDENCE_MAX {
            let refusal = EvidenceRefusal::TooMuchEvidence { got: self.pieces.len() + 1, max: EVIDENCE_MAX };
            return Err(Failure::of(&refusal));
        }
        self.pieces.push(piece);
        Ok(())
    }
}

/// The same as JSON has it.
#[derive(Default, Deserialize)]
pub struct BroughtJson {
    #[serde(default)]
    statement: String,
    /// Each in base64.
    #[serde(default)]
    documents: Vec<String>,
}

impl BroughtJson {
    pub fn pieces(&self) -> Answer<Vec<Piece>> {
        let mut brought = Brought { fields: BTreeMap::new(), pieces: Vec::new() };
        for document_64 in &self.documents {
            let contents = STANDARD.decode(document_64).map_err(|_| Failure::bad("evidence-kind"))?;
            brought.add(document(contents)?)?;
        }
        if !self.statement.trim().is_empty() {
            brought.add(spoken(self.statement.trim())?)?;
        }
        Ok(brought.pieces)
    }
}

fn spoken(text: &str) -> Answer<Piece> {
    if text.chars().count() > STATEMENT_MAX {
        return Err(Failure::bad("reason-too-long").with("max", STATEMENT_MAX));
    }
    let contents = text.as_bytes().to_vec();
    Ok(Piece { kind: EvidenceKind::Statement, media: "text/plain; charset=utf-8", contents })
}

/// A picture or a paper, by its first bytes; anything else is not shown to anybody.
fn document(contents: Vec<u8>) -> Answer<Piece> {
    const KNOWN: [(&[u8], &str); 3] =
        [(b"\x89PNG\r\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"%PDF-", "application/pdf")];
    let got = u64::try_from(contents.len()).unwrap_or(u64::MAX);
    if got > EVIDENCE_MAX_BYTES {
        return Err(Failure::of(&EvidenceRefusal::EvidenceTooLarge { got, max: EVIDENCE_MAX_BYTES }));
    }
    let known = KNOWN.iter().find(|(first, _)| contents.starts_with(first));
    let (_, media) = known.ok_or_else(|| Failure::bad("evidence-kind"))?;
    Ok(Piece { kind: EvidenceKind::Document, media, contents })
}

/// Keeps what was brought, and hands over the command that names it. What a refused command would have
/// named is let go again. The salt follows from the contents and the hub's own key, so that the same
/// thing sent twice is one.
pub async fn submit(
    app: &AppState,
    party: &Party,
    trade: &TradeId,
    pieces: Vec<Piece>,
    command: impl FnOnce(Vec<Evidence>) -> Command,
) -> Answer<Value> {
    let at = app.hub.business_now().await?;
    let kept: Vec<KeptEvidence> = pieces
        .into_iter()
        .map(|piece| {
            let party_text = party.id.text();
            let key = app.site().person_key.as_slice();
            let seed = [b"ehub-evidence/v1".as_slice(), key, trade.as_str().as_bytes(), party_text.as_bytes()].concat();
            let hash = Hash::of(&[seed.as_slice(), &piece.contents].concat());
            let mut salt = [0; 16];
            salt.copy_from_slice(&hash.as_bytes()[..16]);
            KeptEvidence {
                trade: trade.clone(),
                party: party.id,
                kind: piece.kind,
                media: piece.media.to_owned(),
                at,
                keep_until: at.plus_days(KEEP_EVIDENCE),
                salt,
                contents: piece.contents,
            }
        })
        .collect();
    let named: Vec<Evidence> = kept.iter().map(KeptEvidence::evidence).collect();
    app.hub.save_evidence(&kept).await?;
    let outcome = app.submit(command(named.clone())).await;
    if outcome.is_err() {
        let file = app.hub.trade(trade).await?;
        let of_trade = file.as_ref().map(named_in).unwrap_or_default();
        let unnamed = named.into_iter().filter(|e| !of_trade.contains(e)).map(|e| e.sha256);
        app.hub.drop_evidence(&unnamed.collect::<Vec<_>>()).await?;
    }
    outcome
}

/// All that the claims of a trade name.
fn named_in(file: &TradeFile) -> Vec<Evidence> {
    let of_return = file.returning.iter().flat_map(|r| r.evidence.iter().chain(&r.answer));
    let of_dispute = file.dispute.iter().flat_map(|d| d.evidence.iter().chain(&d.answer));
    of_return.chain(of_dispute).cloned().collect()
}

/// One piece, as a page lists it.
pub struct Shown {
    pub who: String,
    pub what: String,
    pub href: String,
    /// A statement that lies on this hub.
    pub text: Option<String>,
}

/// What one side has brought forward.
pub async fn shown(app: &AppState, t: &Tr, file: &TradeFile, who: &str, pieces: &[Evidence]) -> Answer<Vec<Shown>> {
    let mut all = Vec::new();
    for piece in pieces {
        let text = match piece.kind {
            EvidenceKind::Statement => statement(app, file, &piece.sha256).await?,
            EvidenceKind::Document => None,
        };
        all.push(Shown {
            who: t.by("holder", who),
            what: t.by("evidence", piece.kind.code()),
            href: format!("{}/evidence/{}", next::path(file), piece.sha256),
            text,
        });
    }
    Ok(all)
}

/// The words of a statement, from here or from the other hub; where that does not answer soon, the page
/// shows the way to them.
async fn statement(app: &AppState, file: &TradeFile, sha256: &str) -> Answer<Option<String>> {
    let contents = match app.hub.evidence(&file.id, sha256).await? {
        Some(kept) => Some(kept.contents),
        None => match tokio::time::timeout(PAGE_WAITS, fetch(app, file, sha256)).await {
            Ok(Ok(Some((_, contents)))) => Some(contents),
            _ => None,
        },
    };
    Ok(contents.and_then(|contents| String::from_utf8(contents).ok()))
}

/// Whom a claim's evidence concerns: both parties, and the operator who decides.
const fn may_see(viewer: Viewer) -> bool {
    matches!(viewer, Viewer::Buyer | Viewer::Seller | Viewer::Operator)
}

/// GET /trades/{id}/evidence/{sha256}
async fn show(
    State(app): State<AppState>,
    Signed(party): Signed,
    Path((id, sha256)): Path<(String, String)>,
) -> Answer<Response> {
    let (file, viewer) = trade_file::load(&app, &party, &id).await?;
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "evidence-unknown");
    if !may_see(viewer) || !named_in(&file).iter().any(|e| e.sha256 == sha256) {
        return Err(unknown());
    }
    trade_file::looked(&app, &party, &file, viewer).await?;
    let (media, contents) = match app.hub.evidence(&file.id, &sha256).await? {
        Some(kept) => (kept.media, kept.contents),
        None => fetch(&app, &file, &sha256).await?.ok_or_else(unknown)?,
    };
    let headers = [
        (header::CONTENT_TYPE, media),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, contents).into_response())
}

/// One hub asks the other for a piece that a trade of both names.
#[derive(Serialize, Deserialize)]
struct EvidenceQuestion {
    from: HubId,
    to: HubId,
    trade: TradeId,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct EvidenceAnswer {
    media: String,
    salt: String,
    contents: String,
}

/// POST /road/v1/evidence: for the hub at the other end of this trade, and nobody else.
async fn give(
    State(app): State<AppState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let (question, _) = asked(&app, &uri, &headers, &body, |q: &EvidenceQuestion| (&q.from, &q.to)).await?;
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "evidence-unknown");
    let file = app.hub.trade(&question.trade).await?.ok_or_else(unknown)?;
    let is_named = named_in(&file).iter().any(|e| e.sha256 == question.sha256);
    if file.peer.as_ref() != Some(&question.from) || !is_named {
        return Err(unknown());
    }
    let kept = app.hub.evidence(&file.id, &question.sha256).await?.ok_or_else(unknown)?;
    let (salt, contents) = (STANDARD.encode(kept.salt), STANDARD.encode(&kept.contents));
    Ok(Json(EvidenceAnswer { media: kept.media, salt, contents }).into_response())
}

/// What lies on the other hub; `None` if it is erased there, or is not what the log says it is.
async fn fetch(app: &AppState, file: &TradeFile, sha256: &str) -> Answer<Option<(String, Vec<u8>)>> {
    let peers = app.hub.peers().await?;
    let Some(peer) = peers.iter().find(|p| Some(&p.card.id) == file.peer.as_ref()) else { return Ok(None) };
    let question = EvidenceQuestion {
        from: app.site().id.clone(),
        to: peer.card.id.clone(),
        trade: file.id.clone(),
        sha256: sha256.to_owned(),
    };
    let body = serde_json::to_vec(&question).unwrap_or_default();
    let silent = || Failure::new(StatusCode::SERVICE_UNAVAILABLE, "peer-silent").with("peer", peer.card.id.as_str());
    let (status, bytes) = pump::post(app, &client(|with| with), peer, ROAD_PATH, body).await.ok_or_else(silent)?;
    if status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let given: EvidenceAnswer = serde_json::from_slice(&bytes).map_err(|_| silent())?;
    Ok(proved(&given, sha256))
}

/// The contents, if they are those that the log names.
fn proved(given: &EvidenceAnswer, sha256: &str) -> Option<(String, Vec<u8>)> {
    let salt: [u8; 16] = STANDARD.decode(&given.salt).ok()?.try_into().ok()?;
    let contents = STANDARD.decode(&given.contents).ok()?;
    let media = if let Ok(piece) = document(contents.clone()) { piece.media } else { "text/plain; charset=utf-8" };
    (commitment(&salt, &contents) == sha256).then(|| (media.to_owned(), contents))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_known_by_its_first_bytes_and_anything_else_is_refused() {
        let media = |bytes: &[u8]| document(bytes.to_vec()).map(|piece| piece.media).map_err(|f| f.problem.code);
        assert_eq!(media(b"%PDF-1.7 x"), Ok("application/pdf"));
        assert_eq!(media(b"\xff\xd8\xff\xe0"), Ok("image/jpeg"));
        assert_eq!(media(b"<script>"), Err("evidence-kind".to_owned()));
    }

    #[test]
    fn what_the_other_hub_gives_is_shown_only_if_it_is_what_the_log_names() {
        let given = |contents: &[u8]| EvidenceAnswer {
            media: "text/html".to_owned(),
            salt: STANDARD.encode([7; 16]),
            contents: STANDARD.encode(contents),
        };
        let sha256 = commitment(&[7; 16], b"broken");
        let text = Some(("text/plain; charset=utf-8".to_owned(), b"broken".to_vec()));
        assert_eq!(proved(&given(b"broken"), &sha256), text);
        assert_eq!(proved(&given(b"whole"), &sha256), None);
    }
}
