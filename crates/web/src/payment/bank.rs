//! The bank's notices (camt.054): credits are payments for orders, debits confirm payouts.

use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::Response;
use papers::camt054::{self, Entry, Status};
use serde::Serialize;
use serde_json::{Value, json};
use trade::advance::ReceiveFunds;
use trade::codes::DocumentNo;
use trade::commands::Command;
use trade::id::Id;
use trade::money::Money;
use trade::party::Party;
use trade::payment::{PaymentChannel, ReceivePayment};
use trade::payout::{ConfirmPayout, Payout};
use trade::trade_file::TradeId;
use trade::world::NumberKey;

use super::payer_tags;
use crate::AppState;
use crate::auth::{As, Bank};
use crate::i18n::{Lang, Told, Tr};
use crate::page::{Ask, Page};
use crate::problem::{Answer, Failure, problem_json};
use crate::schema::{Schema, boolean, money, object, text};

/// Words of a remittance text that are looked up as order numbers.
const WORDS_MAX: usize = 12;

/// What became of one entry of a notice.
#[derive(Serialize)]
pub struct Taken {
    pub no: String,
    pub credit: bool,
    pub amount: Money,
    pub order_no: Option<String>,
    #[serde(skip)]
    pub outcome: Result<Value, Failure>,
}

/// What became of one entry, told.
pub fn shape() -> Schema {
    object([("no", text()), ("credit", boolean()), ("amount", money()), ("order_no", text().or_null())]).open()
}

pub async fn receive(State(app): State<AppState>, As(..): As<Bank>, ask: Ask, body: Bytes) -> Answer<Json<Value>> {
    let taken = take(&app, &body).await?;
    let t = ask.tr(&app);
    let results: Vec<Value> = taken.iter().map(|one| one.json(&app, &t)).collect();
    Ok(Json(json!({ "results": results })))
}

/// Takes a notice that this hub itself brings about, such as the sandbox's bank after a payout file.
pub async fn take_notice(app: &AppState, body: &[u8]) -> Answer<Vec<Value>> {
    let t = Tr::new(Lang::En, app.site().zone.clone());
    Ok(take(app, body).await?.iter().map(|one| one.json(app, &t)).collect())
}

impl Taken {
    fn json(&self, app: &AppState, t: &Tr) -> Value {
        let mut line =
            json!({ "no": self.no, "credit": self.credit, "amount": self.amount, "order_no": self.order_no });
        let more = match &self.outcome {
            Ok(answer) => answer.clone(),
            Err(failure) => json!({ "problem": problem_json(app, t, &failure.problem, failure.status) }),
        };
        if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
            line.extend(more);
        }
        line
    }

    /// The word for what became of it: the payment's fate, or `confirmed` for a payout.
    fn fate(&self) -> String {
        let fate = self.outcome.as_ref().ok().and_then(|a| a.get("fate")).and_then(Value::as_str);
        fate.unwrap_or("confirmed").to_owned()
    }

    fn fault(&self, page: &Page) -> Option<Told> {
        match &self.outcome {
            Err(failure) => Some(page.problem(&failure.problem)),
            Ok(answer) => {
                let fault = answer.get("fault")?.clone();
                serde_json::from_value(fault).ok().map(|problem| page.problem(&problem))
            }
        }
    }
}

/// Takes every booked entry by itself: one that is refused does not stop the others. They are decided in
/// their order, together.
async fn take(app: &AppState, body: &[u8]) -> Answer<Vec<Taken>> {
    let entries = camt054::read(body).map_err(|refusal| Failure::of(&refusal))?;
    let (mut taken, mut commands) = (Vec::new(), Vec::new());
    for entry in entries.iter().filter(|e| e.status == Status::Booked && !e.reversal) {
        let (order_no, command) = if entry.credit { credit(app, entry).await? } else { debit(app, entry).await? };
        let outcome = command.map(|command| {
            commands.push(command);
            Value::Null
        });
        let (no, credit, amount) = (entry.bank_reference.clone(), entry.credit, entry.amount);
        taken.push(Taken { no, credit, amount, order_no, outcome });
    }
    let answers = app.hub.submit_all(commands).await;
    for (one, answer) in taken.iter_mut().filter(|one| one.outcome.is_ok()).zip(answers) {
        // A store that fails is not the entry's fault: the bank sends the whole notice again.
        one.outcome = answer?.map_err(Failure::from);
    }
    Ok(taken)
}

/// A credit names its order in the remittance text, else in the payer's own reference: the first
/// word that an order here has, else the first with a digit, whose order may still come.
async fn credit(app: &AppState, entry: &Entry) -> Answer<(Option<String>, Result<Command, Failure>)> {
    let texts = entry.remittance.iter().chain(&entry.end_to_end).flat_map(|t| t.split_whitespace());
    let words = texts.filter(|w| w.bytes().any(|b| b.is_ascii_digit())).filter_map(|w| w.parse::<DocumentNo>().ok());
    let words: Vec<DocumentNo> = words.take(WORDS_MAX).collect();
    let mut order = words.first();
    for word in &words {
        if app.hub.trade(&app.site().trade(word)).await?.is_some() {
            order = Some(word);
            break;
        }
    }
    if let Some(lender) = crate::advance::lender_of(app, &words).await? {
        return Ok((None, deposit(entry, lender)));
    }
    let Some(order) = order else { return Ok((None, Err(Failure::bad("order-not-named")))) };
    let no = match entry.bank_reference.parse::<DocumentNo>() {
        Ok(no) => no,
        Err(error) => return Ok((Some(order.to_string()), Err(Failure::of(&error)))),
    };
    let command = ReceivePayment {
        trade: app.site().trade(order),
        no,
        amount: entry.amount,
        payer: payer_tags(app, entry.payer_name.as_deref().unwrap_or_default(), entry.payer_id.as_deref()),
        channel: PaymentChannel::Camt054,
    };
    Ok((Some(order.to_string()), Ok(Command::ReceivePayment(command))))
}

/// A credit that names a lender's reference is that lender's money.
fn deposit(entry: &Entry, lender: Id<Party>) -> Result<Command, Failure> {
    let no = entry.bank_reference.parse::<DocumentNo>().map_err(|error| Failure::of(&error))?;
    Ok(ReceiveFunds { lender, no, amount: entry.amount, by: None }.into())
}

/// A debit confirms the payout whose id is its end-to-end reference.
async fn debit(app: &AppState, entry: &Entry) -> Answer<(Option<String>, Result<Command, Failure>)> {
    let unknown = || Failure::new(StatusCode::NOT_FOUND, "payout-unknown");
    let reference = entry.end_to_end.as_deref().unwrap_or_default();
    let text = papers::pain001::id_of(reference).unwrap_or_else(|| reference.to_owned());
    let Ok(payout) = text.parse::<Id<Payout>>() else { return Ok((None, Err(unknown()))) };
    let by_number = app.hub.trade_by_number(&NumberKey::payout(&payout)).await?;
    // After a loss the bank may tell of one that this hub does not know to have instructed.
    let trade: Option<TradeId> = match by_number {
        None => app.hub.trade_of_payout(&payout).await?,
        known => known,
    };
    let Some(trade) = trade else { return Ok((None, Err(unknown()))) };
    let order = trade.order_no().to_owned();
    let bank_reference = entry.bank_reference.clone();
    let command = ConfirmPayout { trade, payout, amount: entry.amount, bank_reference };
    Ok((Some(order), Ok(Command::ConfirmPayout(command))))
}

#[derive(Template)]
#[template(path = "payment/bank.html")]
struct BankPage {
    p: Page,
    told: Option<Told>,
    taken: Vec<Taken>,
    firm: String,
    account: String,
}

fn bank_page(app: &AppState, page: Page, told: Option<Told>, taken: Vec<Taken>) -> Response {
    let bank = &app.site().bank;
    let shown = BankPage { p: page, told, taken, firm: bank.firm.clone(), account: bank.account.clone() };
    shown.p.show(&shown)
}

pub async fn page(State(app): State<AppState>, As(..): As<Bank>, page: Page) -> Response {
    bank_page(&app, page, None, Vec::new())
}

pub async fn upload(
    State(app): State<AppState>,
    As(..): As<Bank>,
    page: Page,
    mut form: Multipart,
) -> Answer<Response> {
    let broken = |_| Failure::new(StatusCode::BAD_REQUEST, "http-400");
    let mut file = Bytes::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() == Some("file") {
            file = field.bytes().await.map_err(broken)?;
        }
    }
    match take(&app, &file).await {
        Ok(taken) => Ok(bank_page(&app, page, None, taken)),
        Err(failure) if failure.status.is_server_error() => Err(failure),
        Err(failure) => {
            let told = Some(page.problem(&failure.problem));
            Ok(bank_page(&app, page, told, Vec::new()))
        }
    }
}
