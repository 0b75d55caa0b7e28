//! Money in the sample trade: credits that are told to the hub, payouts that the bank executes.

use trade::money::{Currency, Money};

use super::{Actors, Driver, Run, count, each};
use crate::demo::api::ApiError;
use crate::demo::bank;
use crate::demo::script::{By, Payer, PaymentWhen, Way};

/// How many credits a bank puts into one notification.
const CREDITS_A_FILE: usize = 50;

impl Driver {
    pub(super) fn payments_of(&self, run: &Run, when: PaymentWhen) -> Vec<WebhookOrCredit> {
        let Some(quote) = &run.quote else { return Vec::new() };
        let buyer = &self.buyers[&run.entry.buyer].0;
        let total = quote.landed.total;
        let mut sent = Vec::new();
        for payment in run.entry.payments.iter().filter(|p| p.when == when) {
            let currency: Currency = payment.currency.parse().unwrap_or(total.currency());
            let amount = match payment.amount.as_str() {
                "as-quoted" => total,
                "deposit" => run.deposit.unwrap_or(total),
                "balance" => run.deposit.and_then(|deposit| total.minus(deposit).ok()).unwrap_or(total),
                other => Money::parse(other.trim_start_matches('+'), total.currency())
                    .and_then(|apart| total.plus(apart))
                    .unwrap_or(total),
            };
            let (payer_name, payer_id) = match payment.payer {
                Payer::Buyer => (buyer.pays_as().to_owned(), buyer.id_number.clone()),
                Payer::Other => ("Other Payer".to_owned(), run.entry.way.stranger().to_owned()),
            };
            let as_given = payment.order_no == "as-given";
            let order_no = if as_given { run.entry.order_no.clone() } else { payment.order_no.clone() };
            let amount = Money::new(amount.minor(), currency);
            let credit = bank::Credit { no: payment.no.clone(), order_no, amount, payer_name, payer_id };
            for _ in 0..payment.times {
                sent.push(WebhookOrCredit { by: payment.by, way: run.entry.way, credit: credit.clone() });
            }
        }
        sent
    }

    pub(super) async fn payments(&self, when: PaymentWhen) -> Result<(), ApiError> {
        let all: Vec<WebhookOrCredit> = self.placed().flat_map(|r| self.payments_of(r, when)).collect();
        let told = count(all.iter().map(|p| (p.way, true)));
        let (webhooks, credits): (Vec<_>, Vec<_>) = all.into_iter().partition(|p| p.by == By::Webhook);
        let webhooks = webhooks.into_iter().map(|p| (self.stage.importer(p.way).clone(), p)).collect();
        each(webhooks, |(hub, payment): (Actors, WebhookOrCredit)| async move { payment.send(&hub).await }).await?;
        let mut files = Vec::new();
        for way in Way::BOTH {
            let mine = credits.iter().filter(|p| p.way == way).map(|p| p.credit.clone()).collect::<Vec<_>>();
            let bank = &self.stage.importer(way).bank;
            files.extend(mine.chunks(CREDITS_A_FILE).map(|file| (bank.clone(), file.to_vec())));
        }
        each(files, |(bank, file)| async move { bank::notify_credits(&bank, &file).await }).await?;
        let step = if when == PaymentWhen::AfterWaybill { "demo-balances" } else { "demo-payments" };
        self.tell(step, told);
        self.quiet().await
    }

    /// Payouts and refunds go out in files, and the sandbox banks execute them. Told by the way in which
    /// the hub exports.
    pub(super) async fn payouts(&self) -> Result<(), ApiError> {
        let hubs = Way::BOTH.map(|way| (way, self.stage.exporter(way).clone())).to_vec();
        let done = each(hubs, |(way, hub)| async move {
            // Numbered from the first again after a break: files that were made are given out again.
            let mut count = 0;
            for n in 1.. {
                match bank::execute_payouts(&hub, n).await? {
                    0 => break,
                    done => count += done,
                }
            }
            Ok((way, (count, count)))
        })
        .await?;
        self.tell("demo-payouts", done.into_iter().collect());
        self.quiet().await
    }
}

/// A credit with the way in which it is told.
#[derive(Clone)]
pub(super) struct WebhookOrCredit {
    by: By,
    way: Way,
    credit: bank::Credit,
}

impl WebhookOrCredit {
    pub(super) async fn send(&self, importer: &Actors) -> Result<(), ApiError> {
        match self.by {
            By::Camt054 => bank::notify_credits(&importer.bank, std::slice::from_ref(&self.credit)).await,
            By::Webhook => bank::send_webhook(&importer.bank, &importer.webhook_secret, &self.credit).await,
        }
    }
}
