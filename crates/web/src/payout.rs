//! Payouts: what is due, the file for the bank, and the bank's word that it was executed.
//!
//! A file is known by its number alone: it is written again from its payouts whenever somebody asks,
//! byte for byte the same, so that nothing of it has to be kept.

use std::collections::HashMap;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use hub::trade_file::TradePayout;
use papers::camt054::{self, Entry, Notice, Status};
use papers::pain001::{self, Holder, Letters, PayoutFile, Transfer};
use serde::Deserialize;
use trade::codes::DocumentNo;
use trade::id::Id;
use trade::money::{Money, sum};
use trade::party::{Party, Role};
use trade::payout::{FILE_NUMBER_MAX, InstructPayouts, PayoutKind, PayoutRef, PayoutRefusal, PayoutState};
use trade::time::BusinessTime;

use crate::AppState;
use crate::auth::Signed;
use crate::door::{Doors, get, only, post};
use crate::i18n::Told;
use crate::page::Page;
use crate::payee::{self, Payee};
use crate::problem::{Answer, Failure};
use crate::schema::{object, text};
use crate::trade_file::next;

/// Payouts in one file; what is left goes with the next.
const FILE_MAX: i64 = 500;
/// Files that the page shows.
const FILES_SHOWN: i64 = 20;

pub fn routes() -> Doors {
    Doors::new()
        .open(get("/payouts", only(&[Role::Operator, Role::Bank])), show)
        .open(post("/payouts/files", only(&[Role::Operator, Role::Bank])), make_page)
        .open(get("/payouts/files/{file}", only(&[Role::Operator, Role::Bank])), download)
        .open(
            post("/api/v1/payout-files", only(&[Role::Operator, Role::Bank]))
                .json(r#"{"file": "PAY-1"}"#)
                .takes(|| object([("file", text().max(64))]))
                .gives_file("application/xml")
                .also(&[204]),
            make_api,
        )
        .open(
            get("/api/v1/payout-files/{file}", only(&[Role::Operator, Role::Bank])).gives_file("application/xml"),
            download,
        )
        .open(post("/payouts/files/{file}/execute", only(&[Role::Operator, Role::Bank])).in_sandbox(), execute)
}

/// The hub's operator and its bank deal with payouts; nobody else.
fn may(party: &Party) -> Answer<()> {
    if party.is(Role::Operator) || party.is(Role::Bank) { Ok(()) } else { Err(Failure::role_needed(Role::Bank)) }
}

struct DueRow {
    href: String,
    order: String,
    to: String,
    amount: String,
    since: String,
    /// Why it cannot go out, as a message.
    missing: Option<String>,
}

struct FileRow {
    file: String,
    count: String,
    state: String,
    class: &'static str,
    is_open: bool,
}

struct View {
    due: Vec<DueRow>,
    due_line: String,
    files: Vec<FileRow>,
    bank: String,
}

#[derive(Template)]
#[template(path = "payout/page.html")]
struct PayoutPage<'a> {
    p: &'a Page,
    v: View,
    told: Option<Told>,
}

/// GET /payouts
async fn show(State(app): State<AppState>, p: Page, Signed(party): Signed) -> Answer<Response> {
    may(&party)?;
    Ok(p.show(&PayoutPage { p: &p, v: view(&p, &app).await?, told: None }))
}

async fn view(p: &Page, app: &AppState) -> Answer<View> {
    let due = app.hub.payouts_due(FILE_MAX).await?;
    let mut rows = Vec::with_capacity(due.len());
    for (item, creditor) in due.iter().zip(creditors(app, &due).await?) {
        let missing = match creditor {
            Payee::Known(_) => None,
            Payee::NoAccount => Some(p.s("payouts-account-missing")),
            Payee::Letters => Some(p.s("payouts-holder-letters")),
        };
        rows.push(DueRow {
            href: next::path_of(item.trade.as_str()),
            order: item.trade.order_no().to_owned(),
            to: match &item.payout.kind {
                PayoutKind::Proceeds { .. } => p.s("payouts-to-seller"),
                PayoutKind::Advance { .. } => p.s("payouts-to-seller-advance"),
                PayoutKind::Refund { .. } => p.s("payouts-to-payer"),
            },
            amount: p.money(item.payout.amount),
            since: p.time(item.payout.due_at),
            missing,
        });
    }
    let count = p.n("payouts-due-count", i64::try_from(due.len()).unwrap_or(i64::MAX));
    let total = sum(app.site().currency, due.iter().map(|d| d.payout.amount)).ok();
    let due_line = total.map_or_else(|| count.clone(), |total| format!("{count}, {}", p.money(total)));
    let files = app.hub.payout_files(FILES_SHOWN).await?;
    let files = files
        .into_iter()
        .map(|row| {
            let is_open = row.done < row.payouts;
            let state = if is_open { "payouts-state-instructed" } else { "payouts-state-done" };
            FileRow {
                count: p.n("payouts-due-count", row.payouts),
                file: row.file,
                state: p.s(state),
                class: if is_open { "tell" } else { "go" },
                is_open,
            }
        })
        .collect();
    let bank = &app.site().bank;
    Ok(View { due: rows, due_line, files, bank: p.w2("hub-bank-held", "firm", &bank.firm, "account", &bank.account) })
}

async fn make_page(State(app): State<AppState>, p: Page, Signed(party): Signed) -> Answer<Response> {
    may(&party)?;
    match make(&app, &fresh_number(&app).await?).await {
        Ok(()) => Ok(Redirect::to("/payouts").into_response()),
        Err(failure) => {
            let told = Some(p.problem(&failure.problem));
            let v = view(&p, &app).await?;
            Ok((failure.status, p.show(&PayoutPage { p: &p, v, told })).into_response())
        }
    }
}

/// The number that the asker gives the file, so that asking twice gives one file.
#[derive(Deserialize)]
struct ApiFile {
    file: DocumentNo,
}

/// POST /api/v1/payout-files `{"file": "PAY-1"}`: all that is due, as pain.001. Asked again for a
/// number, it gives the same file again, whatever is due by then. 204 where nothing is due.
async fn make_api(State(app): State<AppState>, Signed(party): Signed, Json(body): Json<ApiFile>) -> Answer<Response> {
    may(&party)?;
    match make(&app, &body.file).await {
        Err(failure) if failure.problem.code == "nothing-due" => return Ok(StatusCode::NO_CONTENT.into_response()),
        other => other?,
    }
    let xml = write(&app, body.file.as_str()).await?;
    Ok(answer(body.file.as_str(), xml))
}

/// Puts all that is due into the file of this number. Payouts that have no account to go to stay.
async fn make(app: &AppState, file: &DocumentNo) -> Answer<()> {
    // Told whether or not anything is due, so that the asker learns it the first time.
    if file.as_str().len() > FILE_NUMBER_MAX {
        return Err(Failure::of(&PayoutRefusal::FileNumber { got: file.clone(), max: FILE_NUMBER_MAX }));
    }
    if !app.hub.payouts_of_file(file.as_str(), 1).await?.is_empty() {
        return Ok(());
    }
    let due = app.hub.payouts_due(FILE_MAX).await?;
    let first = due.first().ok_or_else(|| Failure::bad("nothing-due"))?;
    let missing = Failure::bad("payout-account-missing").with("trade", first.trade.as_str());
    let mut payouts = Vec::with_capacity(due.len());
    for (item, creditor) in due.iter().zip(creditors(app, &due).await?) {
        if matches!(creditor, Payee::Known(_)) {
            payouts.push(PayoutRef { trade: item.trade.clone(), payout: item.payout.id });
        }
    }
    if payouts.is_empty() {
        return Err(missing);
    }
    app.submit(InstructPayouts { file: file.clone(), payouts }.into()).await?;
    Ok(())
}

/// A file's number for whoever clicks: the day, and a tag that makes it new.
async fn fresh_number(app: &AppState) -> Answer<DocumentNo> {
    let tag: String = app.random::<4>().iter().map(|b| format!("{b:02X}")).collect();
    let now = app.hub.business_now().await?;
    let day = app.site().date(now).strftime("%Y%m%d").to_string();
    Ok(format!("PAY-{day}-{tag}").parse().expect("digits, letters and dashes"))
}

/// Where payouts go, in their order: a seller's account; a refund by the number of the payment, which
/// the firm that took it knows the payer by. Each seller is looked up once.
async fn creditors(app: &AppState, items: &[TradePayout]) -> Answer<Vec<Payee>> {
    let mut sellers: HashMap<Id<Party>, Payee> = HashMap::new();
    let mut creditors = Vec::with_capacity(items.len());
    for item in items {
        creditors.push(match &item.payout.kind {
            PayoutKind::Refund { payment } => {
                let account: String = payment.as_str().chars().filter(char::is_ascii_alphanumeric).take(34).collect();
                Payee::Known(Holder { name: app.site().bank.firm.clone(), account, bic: None })
            }
            PayoutKind::Proceeds { seller } | PayoutKind::Advance { seller } => {
                if let Some(known) = sellers.get(seller) {
                    known.clone()
                } else {
                    let party = app.hub.party(*seller).await?;
                    let payee = party.map_or(Payee::NoAccount, |party| payee::of(app, &party));
                    sellers.insert(*seller, payee.clone());
                    payee
                }
            }
        });
    }
    Ok(creditors)
}

/// The file again, from the payouts that went out with it.
async fn write(app: &AppState, file: &str) -> Answer<Vec<u8>> {
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "file-unknown").with("file", file);
    let items = app.hub.payouts_of_file(file, FILE_MAX).await?;
    let created = items.iter().map(instructed_at).min().ok_or_else(unknown)?;
    let site = app.site();
    let mut transfers = Vec::with_capacity(items.len());
    for (item, creditor) in items.iter().zip(creditors(app, &items).await?) {
        let Payee::Known(creditor) = creditor else { continue };
        transfers.push(Transfer {
            end_to_end: pain001::reference_of(&item.payout.id.text()),
            amount: item.payout.amount,
            debtor: Holder { name: site.bank.firm.clone(), account: site.bank.account.clone(), bic: None },
            creditor,
            remittance: item.trade.order_no().chars().take(140).collect(),
        });
    }
    let written = PayoutFile {
        letters: Letters::of(site.currency),
        message_id: file.to_owned(),
        created,
        initiator: site.name.clone(),
        execution: site.date(created),
        transfers,
    };
    pain001::write(&written).map_err(|refusal| Failure::of(&refusal))
}

fn instructed_at(item: &TradePayout) -> BusinessTime {
    match &item.payout.state {
        PayoutState::Instructed { at, .. } => *at,
        // Executed since: the day of the debt stands for the day of the file.
        PayoutState::Due | PayoutState::Done { .. } => item.payout.due_at,
    }
}

fn answer(file: &str, xml: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{file}.xml\"");
    ([(header::CONTENT_TYPE, "application/xml".to_owned()), (header::CONTENT_DISPOSITION, disposition)], xml)
        .into_response()
}

/// GET /api/v1/payout-files/{file}
async fn download(State(app): State<AppState>, Signed(party): Signed, Path(file): Path<String>) -> Answer<Response> {
    may(&party)?;
    let file = file.trim_end_matches(".xml");
    let xml = write(&app, file).await?;
    Ok(answer(file, xml))
}

/// POST /payouts/files/{file}/execute, in a sandbox: its bank reads the file and answers with a
/// notice of its debits, which goes the way of every notice.
async fn execute(State(app): State<AppState>, Signed(party): Signed, Path(file): Path<String>) -> Answer<Response> {
    may(&party)?;
    let xml = write(&app, &file).await?;
    let notice = executed(&app, &file, &xml).await?;
    crate::payment::take_notice(&app, &notice).await?;
    Ok(Redirect::to("/payouts").into_response())
}

/// The notice of a bank that has executed every instruction of a file.
pub async fn executed(app: &AppState, file: &str, xml: &[u8]) -> Answer<Vec<u8>> {
    let instructions = pain001::read(xml).map_err(|refusal| Failure::of(&refusal))?;
    let now = app.hub.business_now().await?;
    let account = app.site().bank.account.clone();
    let booked = app.site().date(now).to_string();
    let entries = (1_usize..)
        .zip(&instructions)
        .map(|(i, instruction)| entry(file, i, instruction.amount, &instruction.end_to_end, &account, &booked))
        .collect();
    let notice = Notice { message_id: format!("N-{file}"), created: now, account, entries };
    camt054::write(&notice).map_err(|refusal| Failure::of(&refusal))
}

fn entry(file: &str, i: usize, amount: Money, end_to_end: &str, account: &str, booked: &str) -> Entry {
    Entry {
        credit: false,
        reversal: false,
        amount,
        bank_reference: format!("{file}/{i}"),
        end_to_end: Some(end_to_end.to_owned()),
        remittance: Vec::new(),
        payer_name: None,
        payer_id: None,
        payer_account: None,
        account: account.to_owned(),
        booked: Some(booked.to_owned()),
        status: Status::Booked,
    }
}
